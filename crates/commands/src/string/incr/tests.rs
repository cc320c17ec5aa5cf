use crate::testing::Rig;

#[test]
fn integers() {
    Rig::new().check(&[
        ("INCR n", ":1", "INCR n"),
        ("INCRBY n 41", ":42", "INCRBY n 41"),
        ("DECR n", ":41", "DECR n"),
        ("DECRBY n -9", ":50", "DECRBY n -9"),
        ("DECRBY m 5", ":-5", "DECRBY m 5"),
        ("SET n 9223372036854775807", "+OK", "SET n 9223372036854775807"),
        ("INCR n", "-ERR increment or decrement would overflow", ""),
        ("GET n", "$19|9223372036854775807", ""),
        ("DECRBY n -9223372036854775808", "-ERR decrement would overflow", ""),
        ("SET n -9223372036854775808", "+OK", "SET n -9223372036854775808"),
        ("DECR n", "-ERR increment or decrement would overflow", ""),
        ("INCRBY n 1.5", "-ERR value is not an integer or out of range", ""),
        ("SET s abc", "+OK", "SET s abc"),
        ("INCR s", "-ERR value is not an integer or out of range", ""),
    ]);
}

#[test]
fn floats() {
    Rig::new().check(&[
        ("INCRBYFLOAT f 3", "$1|3", "SET f 3 KEEPTTL"),
        ("INCRBYFLOAT f 1.1", "$3|4.1", "SET f 4.1 KEEPTTL"),
        ("INCRBYFLOAT f -4.1", "$1|0", "SET f 0 KEEPTTL"),
        ("INCRBYFLOAT f 200", "$3|200", "SET f 200 KEEPTTL"),
        ("INCRBYFLOAT f 1e3", "$4|1200", "SET f 1200 KEEPTTL"),
        ("INCRBYFLOAT f inf", "-ERR increment would produce NaN or Infinity", ""),
        ("INCRBYFLOAT f x", "-ERR value is not a valid float", ""),
        ("SET s abc", "+OK", "SET s abc"),
        ("INCRBYFLOAT s 1", "-ERR value is not a valid float", ""),
        ("SET i 17179869184", "+OK", "SET i 17179869184"),
        ("INCRBYFLOAT i 1.5", "$13|17179869185.5", "SET i 17179869185.5 KEEPTTL"),
    ]);
}

#[test]
fn numbers_keep_their_expiry() {
    let mut rig = Rig::new();
    rig.run("SET n 1 EX 100");
    rig.run("INCR n");
    rig.run("INCRBYFLOAT n 0.5");
    assert_eq!(rig.run("TTL n"), ":100");
}
