use crate::testing::Rig;

/// The places of the documentation's example.
fn sicily() -> Rig {
    let mut rig = Rig::new();
    rig.run("GEOADD Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania");
    rig.run("GEOADD Sicily 12.758489 38.788135 edge1 17.241510 38.788135 edge2");
    rig.propagated();
    rig
}

#[test]
fn places_are_scores() {
    Rig::new().check(&[
        ("GEOADD g 13.361389 38.115556 Palermo", ":1", "ZADD g 3479099956230698 Palermo"),
        ("GEOADD g NX 15.087269 37.502669 Palermo", ":0", ""),
        ("GEOADD g XX CH 15.087269 37.502669 Palermo", ":1", "ZADD g XX CH 3479447370796909 Palermo"),
        ("ZSCORE g Palermo", "$16|3479447370796909", ""),
        ("GEOADD g NX XX 1 1 a", "-ERR syntax error", ""),
        ("GEOADD g 1 1 a 2", "-ERR syntax error", ""),
        ("GEOADD g x 1 a", "-ERR value is not a valid float", ""),
        ("GEOADD g 200 100 a", "-ERR invalid longitude,latitude pair 200.000000,100.000000", ""),
    ]);
}

#[test]
fn positions_distances_and_hashes() {
    let mut rig = sicily();
    rig.check(&[
        ("GEOPOS Sicily Palermo nowhere", "*2|*2|$18|13.361389338970184|$16|38.1155563954963|*-1", ""),
        ("GEOPOS none a", "*1|*-1", ""),
        ("GEOPOS Sicily", "*0", ""),
        ("GEODIST Sicily Palermo Catania", "$11|166274.1516", ""),
        ("GEODIST Sicily Palermo Catania km", "$8|166.2742", ""),
        ("GEODIST Sicily Palermo Catania MI", "$8|103.3182", ""),
        ("GEODIST Sicily Palermo Palermo", "$6|0.0000", ""),
        ("GEODIST Sicily Palermo nowhere", "$-1", ""),
        (
            "GEODIST Sicily Palermo Catania yard",
            "-ERR unsupported unit provided. please use M, KM, FT, MI",
            "",
        ),
        ("GEODIST Sicily Palermo Catania m m", "-ERR syntax error", ""),
        ("GEOHASH Sicily Palermo Catania nowhere", "*3|$11|sqc8b49rny0|$11|sqdtr74hyu0|$-1", ""),
    ]);
    rig.run("HELLO 3");
    assert_eq!(rig.run("GEOPOS Sicily Palermo nowhere"), "*2|*2|,13.361389338970184|,38.1155563954963|_");
}

#[test]
fn searches() {
    sicily().check(&[
        ("GEORADIUS Sicily 15 37 200 km ASC", "*2|$7|Catania|$7|Palermo", ""),
        ("GEORADIUS Sicily 15 37 200 km DESC", "*2|$7|Palermo|$7|Catania", ""),
        ("GEORADIUS Sicily 15 37 200 km COUNT 1", "*1|$7|Catania", ""),
        ("GEORADIUS_RO Sicily 15 37 100 km WITHDIST", "*1|*2|$7|Catania|$7|56.4413", ""),
        ("GEORADIUS Sicily 15 37 100 km WITHHASH", "*1|*2|$7|Catania|:3479447370796909", ""),
        ("GEORADIUSBYMEMBER Sicily Palermo 100 km", "*2|$7|Palermo|$5|edge1", ""),
        ("GEORADIUSBYMEMBER_RO Sicily Palermo 0 m", "*1|$7|Palermo", ""),
        (
            "GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX 400 400 km ASC",
            "*4|$7|Catania|$7|Palermo|$5|edge2|$5|edge1",
            "",
        ),
        ("GEOSEARCH Sicily FROMMEMBER Catania BYRADIUS 1 mi", "*1|$7|Catania", ""),
        ("GEOSEARCH none FROMMEMBER Catania BYRADIUS 1 mi", "*0", ""),
        ("GEORADIUS Sicily 0 0 1 m", "*0", ""),
    ]);
    let any = sicily().run("GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX 400 400 km COUNT 2 ANY");
    assert!(any.starts_with("*2|"), "{any}");
}

#[test]
fn results_are_stored() {
    sicily().check(&[
        (
            "GEOSEARCHSTORE t Sicily FROMLONLAT 15 37 BYRADIUS 200 km",
            ":2",
            "GEOSEARCHSTORE t Sicily FROMLONLAT 15 37 BYRADIUS 200 km",
        ),
        ("ZSCORE t Palermo", "$16|3479099956230698", ""),
        ("GEORADIUS Sicily 15 37 100 km STOREDIST t", ":1", "GEORADIUS Sicily 15 37 100 km STOREDIST t"),
        ("ZRANGE t 0 -1 WITHSCORES", "*2|$7|Catania|$16|56.4412578701582", ""),
        ("GEORADIUSBYMEMBER none m 1 km STORE t", ":0", "GEORADIUSBYMEMBER none m 1 km STORE t"),
        ("EXISTS t", ":0", ""),
    ]);
}

#[test]
fn wrong_searches() {
    let mut rig = sicily();
    rig.run("SET s v");
    rig.propagated();
    rig.check(&[
        ("GEORADIUS Sicily 15 37 x km", "-ERR need numeric radius", ""),
        ("GEORADIUS Sicily 15 37 -1 km", "-ERR radius cannot be negative", ""),
        ("GEORADIUS Sicily 15 37 1 km COUNT 0", "-ERR COUNT must be > 0", ""),
        ("GEORADIUS Sicily 15 37 1 km ANY", "-ERR the ANY argument requires COUNT argument", ""),
        ("GEORADIUS Sicily 15 37 1 km COUNT", "-ERR syntax error", ""),
        ("GEORADIUS_RO Sicily 15 37 1 km STORE t", "-ERR syntax error", ""),
        (
            "GEORADIUS Sicily 15 37 1 km STORE t WITHDIST",
            "-ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
            "",
        ),
        ("GEORADIUSBYMEMBER Sicily nowhere 1 km", "-ERR could not decode requested zset member", ""),
        ("GEOSEARCH Sicily FROMLONLAT 1 1 FROMMEMBER Palermo BYRADIUS 1 km", "-ERR syntax error", ""),
        (
            "GEOSEARCH Sicily BYRADIUS 1 km ASC ASC ASC",
            "-ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH",
            "",
        ),
        (
            "geosearch Sicily FROMLONLAT 1 1 ASC ASC ASC",
            "-ERR exactly one of BYRADIUS and BYBOX can be specified for geosearch",
            "",
        ),
        ("GEOSEARCH Sicily FROMLONLAT 1 1 BYBOX x 1 km", "-ERR need numeric width", ""),
        ("GEOSEARCH Sicily FROMLONLAT 1 1 BYBOX 1 x km", "-ERR need numeric height", ""),
        ("GEOSEARCH Sicily FROMLONLAT 1 1 BYBOX -1 1 km", "-ERR height or width cannot be negative", ""),
        ("GEOPOS s a", "-WRONGTYPE Operation against a key holding the wrong kind of value", ""),
    ]);
}
