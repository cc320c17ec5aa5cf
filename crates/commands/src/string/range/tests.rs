use proptest::prelude::*;

use crate::testing::Rig;

#[test]
fn parts_of_strings() {
    Rig::new().check(&[
        ("STRLEN k", ":0", ""),
        ("SETRANGE k 3 ab", ":5", "SETRANGE k 3 ab"),
        ("GET k", "$5|\0\0\0ab", ""),
        ("SETRANGE k 0 xyz", ":5", "SETRANGE k 0 xyz"),
        ("APPEND k !", ":6", "APPEND k !"),
        ("GETRANGE k 1 -2", "$4|yzab", ""),
        ("SUBSTR k -100 1", "$2|xy", ""),
        ("GETRANGE k 4 2", "$0|", ""),
        ("GETRANGE none 0 -1", "$0|", ""),
        ("SETRANGE none 5 ", ":0", ""),
        ("EXISTS none", ":0", ""),
        ("SETRANGE k -1 x", "-ERR offset is out of range", ""),
        ("SETRANGE k x x", "-ERR value is not an integer or out of range", ""),
        ("SETRANGE k 536870912 x", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)", ""),
        (
            "SETRANGE k 9223372036854775807 x",
            "-ERR string exceeds maximum allowed size (proto-max-bulk-len)",
            "",
        ),
        ("SETRANGE k 9223372036854775807 ", ":6", ""),
    ]);
}

#[test]
fn integers_are_strings_too() {
    Rig::new().check(&[
        ("APPEND n 12", ":2", "APPEND n 12"),
        ("INCR n", ":13", "INCR n"),
        ("APPEND n 45", ":4", "APPEND n 45"),
        ("INCR n", ":1346", "INCR n"),
        ("SETRANGE n 1 7", ":4", "SETRANGE n 1 7"),
        ("GET n", "$4|1746", ""),
        ("GETRANGE n 1 2", "$2|74", ""),
    ]);
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<u8>),
    SetRange(usize, Vec<u8>),
    GetRange(i64, i64),
    Set(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..40);
    let step = prop_oneof![
        bytes().prop_map(Step::Append),
        (0usize..60, bytes()).prop_map(|(offset, bytes)| Step::SetRange(offset, bytes)),
        (-70i64..70, -70i64..70).prop_map(|(start, end)| Step::GetRange(start, end)),
        any::<i64>().prop_map(Step::Set),
    ];
    prop::collection::vec(step, 1..40)
}

/// What Redis documents, byte by byte.
fn model_range(string: &[u8], start: i64, end: i64) -> Vec<u8> {
    let len = string.len() as i64;
    if start < 0 && end < 0 && start > end {
        return Vec::new();
    }
    let first = if start < 0 { (len + start).max(0) } else { start };
    let last = if end < 0 { (len + end).max(0) } else { end };
    (0..len).filter(|at| (first..=last).contains(at)).map(|at| string[at as usize]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn strings_behave_like_vectors(steps in steps()) {
        let mut rig = Rig::new();
        let mut model: Vec<u8> = Vec::new();
        for step in steps {
            match step {
                Step::Append(bytes) => {
                    model.extend_from_slice(&bytes);
                    prop_assert_eq!(rig.run_args(&[b"APPEND", b"k", &bytes]), format!(":{}", model.len()));
                }
                Step::SetRange(offset, bytes) => {
                    if !bytes.is_empty() {
                        model.resize(model.len().max(offset + bytes.len()), 0);
                        model[offset..offset + bytes.len()].copy_from_slice(&bytes);
                    }
                    let text = offset.to_string();
                    let reply = rig.run_args(&[b"SETRANGE", b"k", text.as_bytes(), &bytes]);
                    prop_assert_eq!(reply, format!(":{}", model.len()));
                }
                Step::GetRange(start, end) => {
                    let (from, to) = (start.to_string(), end.to_string());
                    let reply = rig.run_args(&[b"GETRANGE", b"k", from.as_bytes(), to.as_bytes()]);
                    prop_assert_eq!(reply, bulk(&model_range(&model, start, end)));
                }
                Step::Set(number) => {
                    model = number.to_string().into_bytes();
                    prop_assert_eq!(rig.run_args(&[b"SET", b"k", &model]), "+OK");
                }
            }
            prop_assert_eq!(rig.run("STRLEN k"), format!(":{}", model.len()));
            if !model.is_empty() {
                prop_assert_eq!(rig.run("GET k"), bulk(&model));
            }
        }
    }
}

/// A bulk reply as the rig shows it.
fn bulk(bytes: &[u8]) -> String {
    let wire = [format!("${}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
    let shown = String::from_utf8_lossy(&wire).replace("\r\n", "|");
    shown.strip_suffix('|').unwrap_or(&shown).to_owned()
}
