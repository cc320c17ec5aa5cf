use proptest::collection::vec;
use proptest::prelude::*;

use super::pfdebug::test_error;
use super::sketch::{Form, REGISTERS, Sketch, SketchBuf, count_registers};
use crate::testing::Rig;

/// FNV-1a: enough to tell whether bytes are the expected ones.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// What redis-server 7.0.15 makes of the elements `e0`, `e1`, ... once they were counted.
#[test]
fn bytes_and_numbers_are_those_of_redis() {
    for (elements, count, form, len, bytes) in [
        (1, 1, Form::Sparse, 21, 0x546d_16fd_fd2c_805a),
        (10, 10, Form::Sparse, 48, 0xd06c_25fb_eaa2_3420),
        (100, 100, Form::Sparse, 285, 0x40de_c5e3_b151_3cfa),
        (600, 606, Form::Sparse, 1238, 0x9de2_4e3e_7c3f_0648),
        (3000, 2979, Form::Dense, 12304, 0xb581_fa7f_a1f6_8d1c),
        (50_000, 49_978, Form::Dense, 12304, 0xb4cd_ee46_53d5_efff_u64),
    ] {
        let mut sketch = SketchBuf::default();
        for n in 0..elements {
            sketch.add(format!("e{n}").as_bytes(), 3000).unwrap();
        }
        assert_eq!(sketch.as_sketch().count(), Ok(count), "{elements} elements");
        assert_eq!(sketch.as_sketch().form, form);
        let mut string = sketch.into_bytes();
        super::sketch::note_cardinality(&mut string, count);
        assert_eq!((string.len(), fingerprint(&string)), (len, bytes), "{elements} elements");
    }
}

proptest! {
    /// Both forms are the same registers, however often the sparse one splits and joins its runs.
    #[test]
    fn sparse_and_dense_agree(raises in vec((0_usize..REGISTERS, 1_u8..40), 0..400), near: bool) {
        let mut model = [0; REGISTERS];
        let mut sketch = SketchBuf::default();
        for (index, value) in raises {
            let index = if near { index % 40 } else { index };
            let higher = model[index] < value;
            prop_assert_eq!(sketch.raise(index, value, 600), Ok(higher));
            model[index] = model[index].max(value);
        }
        let mut found = [0; REGISTERS];
        sketch.as_sketch().merge_into(&mut found).unwrap();
        prop_assert!(found == model);
        prop_assert_eq!(sketch.as_sketch().count(), Ok(count_registers(&model)));
        sketch.make_dense().unwrap();
        let mut found = [0; REGISTERS];
        sketch.as_sketch().merge_into(&mut found).unwrap();
        prop_assert!(found == model);
    }

    #[test]
    fn any_bytes_are_counted_or_refused(tail in vec(any::<u8>(), 0..60), index in 0_usize..REGISTERS) {
        let bytes = [&b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80"[..], &tail].concat();
        let sketch = Sketch::new(&bytes).unwrap();
        let counted = sketch.count();
        prop_assert_eq!(sketch.merge_into(&mut [0; REGISTERS]).is_ok(), counted.is_ok());
        let raised = SketchBuf::copy(sketch).raise(index, 7, 3000);
        prop_assert!(counted.is_err() || raised.is_ok());
        prop_assert_eq!(SketchBuf::copy(sketch).make_dense().is_ok(), counted.is_ok());
    }
}

#[test]
fn the_self_test_passes() {
    assert_eq!(test_error(&mut fastrand::Rng::with_seed(5), 3000, 100_000), Ok(()));
    assert!(test_error(&mut fastrand::Rng::with_seed(5), 10, 0).is_ok());
}

#[test]
fn counting() {
    Rig::new().check(&[
        ("PFCOUNT h", ":0", ""),
        ("PFADD h", ":1", "PFADD h"),
        ("PFADD h", ":0", ""),
        ("PFADD h a b c", ":1", "PFADD h a b c"),
        ("PFADD h a b c", ":0", ""),
        ("PFCOUNT h", ":3", "PFCOUNT h"),
        ("PFCOUNT h", ":3", ""),
        ("PFADD i c d", ":1", "PFADD i c d"),
        ("PFCOUNT h i none", ":4", ""),
        ("PFMERGE j h i", "+OK", "PFMERGE j h i"),
        ("PFCOUNT j", ":4", "PFCOUNT j"),
        ("PFMERGE h", "+OK", "PFMERGE h"),
        ("PFDEBUG ENCODING j", "+sparse", ""),
        ("PFDEBUG TODENSE j", ":1", "PFDEBUG TODENSE j"),
        ("PFDEBUG TODENSE j", ":0", ""),
        ("PFDEBUG ENCODING j", "+dense", ""),
        ("PFCOUNT j", ":4", ""),
        ("PFADD j a e e f", ":1", "PFADD j a e e f"),
        ("PFCOUNT j", ":6", "PFCOUNT j"),
        ("PFDEBUG DECODE j", "-ERR HLL encoding is not sparse", ""),
        ("PFDEBUG DECODE none", "-ERR The specified key does not exist", ""),
        ("PFDEBUG NOPE j", "-ERR Unknown PFDEBUG subcommand 'NOPE'", ""),
        ("PFMERGE k none j", "+OK", "PFMERGE k none j"),
        ("PFDEBUG ENCODING k", "+dense", ""),
    ]);
}

#[test]
fn other_strings_are_refused() {
    let mut rig = Rig::new();
    rig.run("SET s HYLL");
    rig.run("SET n 5");
    rig.run("SADD set a");
    rig.run("PFADD h a b c");
    for key in ["s", "n"] {
        for command in
            ["PFADD {} x", "PFCOUNT {}", "PFCOUNT h {}", "PFMERGE {} h", "PFMERGE h {}", "PFDEBUG GETREG {}"]
        {
            let command = command.replace("{}", key);
            assert_eq!(
                rig.run(&command),
                "-WRONGTYPE Key is not a valid HyperLogLog string value.",
                "{command}"
            );
        }
    }
    assert!(rig.run("PFADD set x").starts_with("-WRONGTYPE Operation"));
    rig.run_args(&[b"SETRANGE", b"h", b"16", &[0xff; 3]]);
    for command in ["PFCOUNT h", "PFCOUNT h none", "PFMERGE d h", "PFDEBUG GETREG h"] {
        assert_eq!(rig.run(command), "-INVALIDOBJ Corrupted HLL object detected", "{command}");
    }
}
