//! Publishing to more clients than are served inside the gate.

use crate::testing::Rig;

#[test]
fn many_receivers_get_every_message_in_order() {
    let mut rig = Rig::new();
    let mut others: Vec<Rig> = (0..200).map(|_| rig.another()).collect();
    for other in &mut others {
        other.run("SUBSCRIBE c");
    }
    assert_eq!(rig.run("PUBLISH c 1"), ":200");
    rig.run("MULTI");
    rig.run("PUBLISH c 2");
    rig.run("PUBLISH few 3");
    rig.run("PUBLISH c 4");
    assert_eq!(rig.run("EXEC"), "*3|:200|:0|:200");
    let message = |number: u32| format!("*3|$7|message|$1|c|$1|{number}");
    for other in &mut others {
        assert_eq!(other.pushed(), [message(1), message(2), message(4)]);
    }
}

#[test]
fn a_publisher_that_listens_gets_its_message_behind_the_reply() {
    let mut rig = Rig::new();
    let others: Vec<Rig> = (0..100)
        .map(|_| {
            let mut other = rig.another();
            other.run("SSUBSCRIBE c");
            other
        })
        .collect();
    rig.run("HELLO 3");
    rig.run("SSUBSCRIBE c");
    assert_eq!(rig.run("SPUBLISH c hi"), format!(":{}|>3|$8|smessage|$1|c|$2|hi", others.len() + 1));
}
