use super::Hello;

#[test]
fn messages() {
    let id = "a".repeat(40);
    let good = format!("10.0.0.1,26379,{id},7,mymaster,10.0.0.2,6379,3");
    let hello = Hello::parse(good.as_bytes()).expect("eight fields");
    assert_eq!(
        hello,
        Hello {
            host: "10.0.0.1".into(),
            port: 26379,
            run_id: id,
            current_epoch: 7,
            master_name: "mymaster".into(),
            master_host: "10.0.0.2".into(),
            master_port: 6379,
            config_epoch: 3,
        }
    );
    assert_eq!(hello.encode(), good);
    let bad: [&[u8]; 7] = [
        b"",
        b"1,2,3,4,5,6,7",
        b"1,2,3,4,5,6,7,8,9",
        b"h,70000,id,1,m,h,1,1",
        b"h,-1,id,1,m,h,1,1",
        b"h,1,id,1,m,h,65536,1",
        b"\xff,1,id,1,m,h,1,1",
    ];
    for payload in bad {
        assert_eq!(Hello::parse(payload), None, "{}", String::from_utf8_lossy(payload));
    }
    // As with atoi, what is no number is zero: a port 0 is an address that is never connected to.
    assert_eq!(Hello::parse(b"h,x,id,y,m,h,z,w").map(|hello| (hello.port, hello.config_epoch)), Some((0, 0)));
}
