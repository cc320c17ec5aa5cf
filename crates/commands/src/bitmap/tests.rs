//! The commands of this group as clients see them.

use crate::testing::Rig;
use proptest::collection::vec;
use proptest::prelude::*;
use redan_engine::Settings;

const BIT_OFFSET: &str = "-ERR bit offset is not an integer or out of range";
const NOT_INTEGER: &str = "-ERR value is not an integer or out of range";
const WRONG_BIT: &str = "-ERR bit is not an integer or out of range";
const SYNTAX: &str = "-ERR syntax error";
const WRONG_TYPE_OF_FIELD: &str =
    "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.";

#[test]
fn one_bit() {
    Rig::new().check(&[
        ("GETBIT a 5", ":0", ""),
        ("SETBIT a 0 0", ":0", "SETBIT a 0 0"),
        ("STRLEN a", ":1", ""),
        ("SETBIT a 1 1", ":0", "SETBIT a 1 1"),
        ("SETBIT a 1 1", ":1", ""),
        ("GET a", "$1|@", ""),
        ("SETBIT a 15 0", ":0", "SETBIT a 15 0"),
        ("STRLEN a", ":2", ""),
        ("SETBIT a 1 0", ":1", "SETBIT a 1 0"),
        ("SET n 1", "+OK", "SET n 1"),
        ("GETBIT n 3", ":1", ""),
        ("GETBIT n 4294967295", ":0", ""),
        ("SETBIT n 6 1", ":0", "SETBIT n 6 1"),
        ("GET n", "$1|3", ""),
        ("GETBIT a 4294967296", BIT_OFFSET, ""),
        ("GETBIT a -1", BIT_OFFSET, ""),
        ("SETBIT a 4294967296 1", BIT_OFFSET, ""),
        ("SETBIT a #1 1", BIT_OFFSET, ""),
        ("SETBIT a x 1", BIT_OFFSET, ""),
        ("SETBIT a 0 2", WRONG_BIT, ""),
        ("SETBIT a 0 -1", WRONG_BIT, ""),
        ("SETBIT a 0 x", WRONG_BIT, ""),
    ]);
}

#[test]
fn the_longest_string_is_configured() {
    let mut rig = Rig::new();
    rig.engine.set_settings(Settings { proto_max_bulk_len: 32, ..Settings::default() });
    rig.check(&[
        ("SETBIT a 255 1", ":0", "SETBIT a 255 1"),
        ("SETBIT a 256 1", BIT_OFFSET, ""),
        ("BITFIELD a GET u1 256", BIT_OFFSET, ""),
        ("BITFIELD a GET u8 #32", BIT_OFFSET, ""),
        ("BITFIELD a GET u8 #31", "*1|:1", ""),
        ("BITFIELD a GET u8 #9223372036854775807", BIT_OFFSET, ""),
    ]);
}

#[test]
fn counting() {
    Rig::new().check(&[
        ("BITCOUNT a", ":0", ""),
        ("BITCOUNT a 0 -1", ":0", ""),
        ("SET a foobar", "+OK", "SET a foobar"),
        ("BITCOUNT a", ":26", ""),
        ("BITCOUNT a 1 1", ":6", ""),
        ("BITCOUNT a 1 1 BYTE", ":6", ""),
        ("BITCOUNT a 5 30 bit", ":17", ""),
        ("BITCOUNT a -2 -1", ":7", ""),
        ("BITCOUNT a -9 -8", ":4", ""),
        ("BITCOUNT a -8 -9", ":0", ""),
        ("BITCOUNT a 3 2", ":0", ""),
        ("BITCOUNT a -9223372036854775808 9223372036854775807 BIT", ":26", ""),
        ("BITCOUNT a 0", SYNTAX, ""),
        ("BITCOUNT a 0 1 hello", SYNTAX, ""),
        ("BITCOUNT a 0 1 BIT x", SYNTAX, ""),
        ("BITCOUNT a x 1", NOT_INTEGER, ""),
        ("BITCOUNT none 0 x", NOT_INTEGER, ""),
        ("SET n 123", "+OK", "SET n 123"),
        ("BITCOUNT n", ":10", ""),
    ]);
}

#[test]
fn finding() {
    let mut rig = Rig::new();
    rig.run_args(&[b"SET", b"ones", b"\xff\xff\xff"]);
    rig.run_args(&[b"SET", b"mixed", b"\x00\xff\xf0"]);
    rig.run_args(&[b"SET", b"empty", b""]);
    rig.propagated();
    rig.check(&[
        ("BITPOS none 0", ":0", ""),
        ("BITPOS none 1", ":-1", ""),
        ("BITPOS none 0 5 9", ":0", ""),
        ("BITPOS empty 0", ":-1", ""),
        ("BITPOS ones 0", ":24", ""),
        ("BITPOS ones 0 1", ":24", ""),
        ("BITPOS ones 0 3", ":-1", ""),
        ("BITPOS ones 0 0 -1", ":-1", ""),
        ("BITPOS ones 0 0 -1 BIT", ":-1", ""),
        ("BITPOS mixed 1", ":8", ""),
        ("BITPOS mixed 1 2", ":16", ""),
        ("BITPOS mixed 0 1", ":20", ""),
        ("BITPOS mixed 1 3 7 BIT", ":-1", ""),
        ("BITPOS mixed 1 3 8 bit", ":8", ""),
        ("BITPOS mixed 0 -8 -1 BIT", ":20", ""),
        ("BITPOS mixed 0 -9 -10", ":0", ""),
        ("BITPOS mixed 2", "-ERR The bit argument must be 1 or 0.", ""),
        ("BITPOS mixed x", NOT_INTEGER, ""),
        ("BITPOS mixed 0 x", NOT_INTEGER, ""),
        ("BITPOS mixed 0 0 1 x", SYNTAX, ""),
        ("BITPOS mixed 0 0 1 BIT x", SYNTAX, ""),
    ]);
}

#[test]
fn combining() {
    let mut rig = Rig::new();
    rig.check(&[
        ("MSET a abc b ab", "+OK", "MSET a abc b ab"),
        ("BITOP AND d a b", ":3", "BITOP AND d a b"),
        ("GET d", "$3|ab\0", ""),
        ("BITOP OR a a b", ":3", "BITOP OR a a b"),
        ("GET a", "$3|abc", ""),
        ("BITOP XOR d a b none", ":3", "BITOP XOR d a b none"),
        ("GET d", "$3|\0\0c", ""),
        ("BITOP and d a none", ":3", "BITOP and d a none"),
        ("GET d", "$3|\0\0\0", ""),
        ("BITOP DIFF d a b", ":3", "BITOP DIFF d a b"),
        ("BITOP DIFF1 d b a", ":3", "BITOP DIFF1 d b a"),
        ("GET d", "$3|\0\0c", ""),
        ("BITOP ANDOR d a b none", ":3", "BITOP ANDOR d a b none"),
        ("GET d", "$3|ab\0", ""),
        ("BITOP ONE d a b", ":3", "BITOP ONE d a b"),
        ("GET d", "$3|\0\0c", ""),
        ("BITOP NOT d none", ":0", "BITOP NOT d none"),
        ("EXISTS d", ":0", ""),
        ("BITOP NOT d none", ":0", ""),
        ("SET d 1 EXAT 1800000000", "+OK", "SET d 1 PXAT 1800000000000"),
        ("SET n 1", "+OK", "SET n 1"),
        ("BITOP OR d n", ":1", "BITOP OR d n"),
        ("TTL d", ":-1", ""),
        ("GET d", "$1|1", ""),
        ("BITOP NOT d a b", "-ERR BITOP NOT must be called with a single source key.", ""),
        ("BITOP diff d a", "-ERR BITOP DIFF must be called with at least two source keys.", ""),
        ("BITOP DIFF1 d a", "-ERR BITOP DIFF1 must be called with at least two source keys.", ""),
        ("BITOP ANDOR d a", "-ERR BITOP ANDOR must be called with at least two source keys.", ""),
        ("BITOP NAND d a b", SYNTAX, ""),
    ]);
}

#[test]
fn many_keys() {
    let mut rig = Rig::new();
    let sources: Vec<String> = (0..100).map(|at| format!("k{at}")).collect();
    for (at, source) in sources.iter().enumerate() {
        rig.run(&format!("SETBIT {source} {at} 1"));
    }
    assert_eq!(rig.run(&format!("BITOP OR d {}", sources.join(" "))), ":13");
    assert_eq!(rig.run("BITCOUNT d"), ":100");
}

#[test]
fn fields() {
    Rig::new().check(&[
        ("BITFIELD a", "*0", ""),
        ("BITFIELD a GET u8 0 GET i64 #3", "*2|:0|:0", ""),
        ("EXISTS a", ":0", ""),
        ("BITFIELD a SET u8 0 0 GET u8 8", "*2|:0|:0", "BITFIELD a SET u8 0 0 GET u8 8"),
        ("STRLEN a", ":1", ""),
        ("BITFIELD a SET u8 0 0", "*1|:0", ""),
        ("BITFIELD a INCRBY u8 0 0 SET i4 #5 -1", "*2|:0|:0", "BITFIELD a INCRBY u8 0 0 SET i4 #5 -1"),
        ("STRLEN a", ":3", ""),
        ("BITFIELD a get u8 16 get i4 #5", "*2|:15|:-1", ""),
        ("BITFIELD_RO a GET u8 16 GET i4 #5 GET u63 20", "*3|:15|:-1|:8646911284551352320", ""),
        ("BITFIELD_RO a", "*0", ""),
        ("BITFIELD_RO a OVERFLOW SAT GET u4 #5", "*1|:15", ""),
        ("SET n 12345", "+OK", "SET n 12345"),
        ("BITFIELD n GET u8 0 INCRBY u8 8 1", "*2|:49|:51", "BITFIELD n GET u8 0 INCRBY u8 8 1"),
        ("GET n", "$5|13345", ""),
    ]);
}

#[test]
fn overflows() {
    Rig::new().check(&[
        ("BITFIELD a SET u8 0 250", "*1|:0", "BITFIELD a SET u8 0 250"),
        ("BITFIELD a INCRBY u8 0 10", "*1|:4", "BITFIELD a INCRBY u8 0 10"),
        (
            "BITFIELD a OVERFLOW SAT INCRBY u8 0 -10 OVERFLOW WRAP INCRBY u8 0 -1",
            "*2|:0|:255",
            "BITFIELD a OVERFLOW SAT INCRBY u8 0 -10 OVERFLOW WRAP INCRBY u8 0 -1",
        ),
        ("BITFIELD a OVERFLOW FAIL INCRBY u8 0 1 SET u8 0 256 INCRBY u8 #9 -1", "*3|$-1|$-1|$-1", ""),
        ("STRLEN a", ":1", ""),
        ("BITFIELD none OVERFLOW FAIL SET u1 0 2 GET u1 0", "*2|$-1|:0", ""),
        ("EXISTS none", ":0", ""),
        (
            "BITFIELD a OVERFLOW FAIL SET u8 #1 256 SET u8 0 1",
            "*2|$-1|:255",
            "BITFIELD a OVERFLOW FAIL SET u8 #1 256 SET u8 0 1",
        ),
        ("STRLEN a", ":2", ""),
    ]);
}

#[test]
fn mistakes_in_operations() {
    Rig::new().check(&[
        ("BITFIELD a SET u8 0 1 GET u64 0", WRONG_TYPE_OF_FIELD, ""),
        ("BITFIELD a SET u8 0 1 GET u8 -1", BIT_OFFSET, ""),
        ("BITFIELD a SET u8 0 x", NOT_INTEGER, ""),
        ("BITFIELD a SET u8 0", SYNTAX, ""),
        ("BITFIELD a GET u8", SYNTAX, ""),
        ("BITFIELD a OVERFLOW", SYNTAX, ""),
        ("BITFIELD a OVERFLOW UP", "-ERR Invalid OVERFLOW type specified", ""),
        ("BITFIELD a DEL u8 0", SYNTAX, ""),
        ("BITFIELD_RO a SET u8 0 1", "-ERR BITFIELD_RO only supports the GET subcommand", ""),
        ("BITFIELD_RO a GET u8 0 INCRBY u8 0 1", "-ERR BITFIELD_RO only supports the GET subcommand", ""),
        ("EXISTS a", ":0", ""),
    ]);
}

#[test]
fn events() {
    let mut rig = Rig::new();
    rig.listen();
    let mut check = |command: &str, events: &str| {
        rig.run(command);
        assert_eq!(rig.events(), events, "{command}");
    };
    check("SETBIT a 0 1", "new a; setbit a");
    check("SETBIT a 0 1", "");
    check("BITFIELD b INCRBY u2 0 1", "new b; setbit b");
    check("BITFIELD b SET u2 0 1", "");
    check("BITFIELD b OVERFLOW FAIL SET u2 0 4", "");
    check("BITFIELD b GET u2 0", "");
    check("BITOP OR c a b", "new c; set c");
    check("BITOP OR c a b", "set c");
    check("BITOP OR c x", "keymiss x; del c");
    check("GETBIT c 0", "keymiss c");
    check("BITCOUNT c", "keymiss c");
    check("BITPOS c 1", "keymiss c");
    check("BITFIELD_RO c GET u1 0", "keymiss c");
}

/// What happens to the model and the server alike.
#[derive(Clone, Debug)]
enum Step {
    Set { offset: usize, on: bool },
    Write { width: usize, offset: usize, value: u32 },
    Count { start: i64, end: i64, bits: bool },
    Find { wanted: bool, start: i64, end: Option<(i64, bool)> },
}

fn steps() -> impl Strategy<Value = Step> {
    let edge = -200..200i64;
    prop_oneof![
        (0..160usize, any::<bool>()).prop_map(|(offset, on)| Step::Set { offset, on }),
        (1..=32usize, 0..160usize, any::<u32>()).prop_map(|(width, offset, value)| Step::Write {
            width,
            offset,
            value
        }),
        (edge.clone(), edge.clone(), any::<bool>()).prop_map(|(start, end, bits)| Step::Count {
            start,
            end,
            bits
        }),
        (any::<bool>(), edge.clone(), prop::option::of((edge, any::<bool>())))
            .prop_map(|(wanted, start, end)| Step::Find { wanted, start, end }),
    ]
}

/// A string as a list of its bits, always whole bytes.
#[derive(Default)]
struct Model(Vec<bool>);

impl Model {
    fn put(&mut self, offset: usize, bit: bool) {
        let needed = (offset / 8 + 1) * 8;
        if self.0.len() < needed {
            self.0.resize(needed, false);
        }
        self.0[offset] = bit;
    }

    /// The bits that a range names, with their offsets.
    fn range(&self, start: i64, end: i64, unit: usize) -> Vec<(usize, bool)> {
        let units = (self.0.len() / unit) as i64;
        let place = |index: i64| if index < 0 { (units + index).max(0) } else { index };
        let named = |at: &usize| (place(start)..=place(end)).contains(&((at / unit) as i64));
        (0..self.0.len()).filter(named).map(|at| (at, self.0[at])).collect()
    }

    fn step(&mut self, step: &Step) -> (String, String) {
        match *step {
            Step::Set { offset, on } => {
                let was = self.0.get(offset).copied().unwrap_or(false);
                self.put(offset, on);
                (format!("SETBIT k {offset} {}", u8::from(on)), format!(":{}", u8::from(was)))
            }
            Step::Write { width, offset, value } => {
                let value = u64::from(value) & ((1 << width) - 1);
                let bit = |at: usize| u64::from(self.0.get(offset + at).copied().unwrap_or(false));
                let old = (0..width).fold(0, |old, at| old << 1 | bit(at));
                (0..width).for_each(|at| self.put(offset + at, value >> (width - 1 - at) & 1 == 1));
                (format!("BITFIELD k SET u{width} {offset} {value}"), format!("*1|:{old}"))
            }
            Step::Count { start, end, bits } => {
                let (unit, name) = if bits { (1, "BIT") } else { (8, "BYTE") };
                let backwards = start < 0 && end < 0 && start > end;
                let set = self.range(start, end, unit).iter().filter(|(_, bit)| *bit).count();
                let count = if backwards { 0 } else { set };
                (format!("BITCOUNT k {start} {end} {name}"), format!(":{count}"))
            }
            Step::Find { wanted, start, end } => self.find(wanted, start, end),
        }
    }

    fn find(&self, wanted: bool, start: i64, end: Option<(i64, bool)>) -> (String, String) {
        let digit = u8::from(wanted);
        let (command, range) = match end {
            None => (format!("BITPOS k {digit} {start}"), self.range(start, i64::MAX, 8)),
            Some((end, false)) => (format!("BITPOS k {digit} {start} {end}"), self.range(start, end, 8)),
            Some((end, true)) => (format!("BITPOS k {digit} {start} {end} BIT"), self.range(start, end, 1)),
        };
        let found = range.iter().find(|(_, bit)| *bit == wanted).map(|(at, _)| *at as i64);
        let behind = !wanted && end.is_none() && !range.is_empty();
        let otherwise = if self.0.is_empty() && !wanted {
            0
        } else if behind {
            self.0.len() as i64
        } else {
            -1
        };
        (command, format!(":{}", found.unwrap_or(otherwise)))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_string_is_a_list_of_bits(steps in vec(steps(), 1..40)) {
        let (mut rig, mut model) = (Rig::silent(), Model::default());
        for step in steps {
            let (command, reply) = model.step(&step);
            prop_assert_eq!(rig.run(&command), reply, "{}", command);
        }
        prop_assert_eq!(rig.run("STRLEN k"), format!(":{}", model.0.len() / 8));
        for (offset, bit) in model.0.iter().enumerate() {
            prop_assert_eq!(rig.run(&format!("GETBIT k {offset}")), format!(":{}", u8::from(*bit)));
        }
    }
}
