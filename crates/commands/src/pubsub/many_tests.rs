//! Publishing to more clients than are served inside the gate.

use std::sync::Arc;

use bytes::Bytes;
use redan_engine::{Client, ClientMeta};

use crate::testing::{Rig, START_MS};

const CHANNEL: Bytes = Bytes::from_static(b"c");

fn listeners(rig: &Rig, count: usize, subscribe: impl Fn(&Arc<Client>)) -> Vec<Arc<Client>> {
    let listener = |_| {
        let client = rig.engine.clients().add(9, ClientMeta::default(), 0, START_MS);
        subscribe(&client);
        client
    };
    (0..count).map(listener).collect()
}

#[test]
fn many_receivers_get_every_message_in_order() {
    let mut rig = Rig::new();
    let engine = Arc::clone(&rig.engine);
    let listeners = listeners(&rig, 200, |client| engine.pubsub().subscribe(CHANNEL, client));
    assert_eq!(rig.run("PUBLISH c 1"), ":200");
    rig.run("MULTI");
    rig.run("PUBLISH c 2");
    rig.run("PUBLISH nobody 3");
    rig.run("PUBLISH c 4");
    assert_eq!(rig.run("EXEC"), "*3|:200|:0|:200");
    let message = |number: u32| format!("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\n{number}\r\n");
    for listener in &listeners {
        assert_eq!(listener.mailbox.take(), [message(1), message(2), message(4)]);
    }
}

#[test]
fn a_publisher_that_listens_gets_its_message_behind_the_reply() {
    let mut rig = Rig::new();
    let engine = Arc::clone(&rig.engine);
    let listeners = listeners(&rig, 100, |client| engine.pubsub().subscribe_shard(CHANNEL, client));
    rig.run("HELLO 3");
    rig.run("SSUBSCRIBE c");
    assert_eq!(rig.run("SPUBLISH c hi"), ":101|>3|$8|smessage|$1|c|$2|hi");
    assert!(listeners.iter().all(|listener| listener.mailbox.pending_messages() == 1));
}
