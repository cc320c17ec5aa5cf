//! CLIENT TRACKING and what belongs to it: client-side caching.

use bytes::Bytes;
use redan_engine::{
    Arg, ArgKind, ClientId, CmdResult, Cx, ReplyError, TrackingFlags, TrackingRequest, errors,
};
use redan_resp::Args;

use crate::arg;

/// The syntax of CLIENT TRACKING.
pub(super) const TRACKING_ARGS: &[Arg] = &[
    Arg::one_of("status", &[Arg::token("on", "ON"), Arg::token("off", "OFF")]),
    Arg::new("client-id", ArgKind::Integer).after("REDIRECT").optional(),
    Arg {
        flags: redan_engine::arg_flag::OPTIONAL
            | redan_engine::arg_flag::MULTIPLE
            | redan_engine::arg_flag::MULTIPLE_TOKEN,
        ..Arg::new("prefix", ArgKind::String).after("PREFIX")
    },
    Arg::token("BCAST", "BCAST").optional(),
    Arg::token("OPTIN", "OPTIN").optional(),
    Arg::token("OPTOUT", "OPTOUT").optional(),
    Arg::token("NOLOOP", "NOLOOP").optional(),
];

/// The syntax of CLIENT CACHING.
pub(super) const CACHING_ARGS: &[Arg] =
    &[Arg::one_of("mode", &[Arg::token("yes", "YES"), Arg::token("no", "NO")])];

fn parse(cx: &Cx<'_, '_>, args: Args<'_>) -> Result<TrackingRequest, ReplyError> {
    let (mut request, mut rest) = (TrackingRequest::default(), args.skip(3).iter());
    while let Some(word) = rest.next() {
        if arg::is(word, "REDIRECT") {
            if request.redirect.is_some() {
                return Err(errors::TRACKING_TWO_TARGETS);
            }
            let id = arg::int(rest.next().ok_or(errors::SYNTAX)?)?;
            let target =
                u64::try_from(id).ok().map(ClientId).filter(|id| cx.engine.clients().get(*id).is_some());
            request.redirect = Some(target.ok_or(errors::TRACKING_NO_TARGET)?);
        } else if arg::is(word, "PREFIX") {
            let prefix = rest.next().ok_or(errors::SYNTAX)?;
            request.prefixes.push(Bytes::copy_from_slice(prefix));
        } else {
            request.options |= match word {
                word if arg::is(word, "BCAST") => TrackingFlags::BCAST,
                word if arg::is(word, "OPTIN") => TrackingFlags::OPTIN,
                word if arg::is(word, "OPTOUT") => TrackingFlags::OPTOUT,
                word if arg::is(word, "NOLOOP") => TrackingFlags::NOLOOP,
                _ => return Err(errors::SYNTAX),
            };
        }
    }
    Ok(request)
}

pub(super) fn tracking(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let request = parse(cx, args)?;
    if super::on_off(&args[2])? {
        cx.engine.start_tracking(&cx.session.client, request)?;
    } else {
        cx.engine.stop_tracking(&cx.session.client);
    }
    cx.out.ok();
    Ok(())
}

pub(super) fn caching(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let tracking = &cx.session.client.tracking;
    if !tracking.has(TrackingFlags::OPTIN | TrackingFlags::OPTOUT) {
        return Err(errors::CACHING_MODE);
    }
    let (mode, error) = match &args[2] {
        word if arg::is(word, "YES") => (TrackingFlags::OPTIN, errors::CACHING_YES),
        word if arg::is(word, "NO") => (TrackingFlags::OPTOUT, errors::CACHING_NO),
        _ => return Err(errors::SYNTAX),
    };
    if !tracking.has(mode) {
        return Err(error);
    }
    tracking.put(TrackingFlags::CACHING, true);
    cx.out.ok();
    Ok(())
}

/// Who is told instead of the client: 0 for nobody, -1 when it does not track.
fn redirect(cx: &Cx<'_, '_>) -> i64 {
    let tracking = &cx.session.client.tracking;
    if tracking.has(TrackingFlags::ON) { tracking.redirect().map_or(0, |id| id.0 as i64) } else { -1 }
}

pub(super) fn getredir(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.out.int(redirect(cx));
    Ok(())
}

pub(super) fn trackinginfo(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    use TrackingFlags as F;
    let flags = cx.session.client.tracking.flags();
    let caching = flags & F::CACHING != 0;
    let names = [
        (flags & F::ON == 0, "off"),
        (flags & F::ON != 0, "on"),
        (flags & F::BCAST != 0, "bcast"),
        (flags & F::OPTIN != 0, "optin"),
        (flags & F::OPTIN != 0 && caching, "caching-yes"),
        (flags & F::OPTOUT != 0, "optout"),
        (flags & F::OPTOUT != 0 && caching, "caching-no"),
        (flags & F::NOLOOP != 0, "noloop"),
        (flags & F::BROKEN != 0, "broken_redirect"),
    ];
    cx.out.map(3);
    cx.out.bulk(b"flags");
    cx.out.set(names.iter().filter(|(set, _)| *set).count());
    names.iter().filter(|(set, _)| *set).for_each(|(_, name)| cx.out.bulk(name.as_bytes()));
    cx.out.bulk(b"redirect");
    cx.out.int(redirect(cx));
    cx.out.bulk(b"prefixes");
    let prefixes = cx.engine.tracked_prefixes(cx.session.client.id);
    cx.out.array(prefixes.len());
    prefixes.iter().for_each(|prefix| cx.out.bulk(prefix));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Rig;

    /// What was pushed to the rig's own connection.
    fn pushed(rig: &mut Rig) -> String {
        rig.pushed().join("; ")
    }

    #[test]
    fn who_has_read_a_key_hears_of_its_change_once() {
        let mut rig = Rig::new();
        let mut other = rig.another();
        rig.run("HELLO 3");
        assert_eq!(rig.run("CLIENT TRACKING ON"), "+OK");
        rig.run("MGET a b");
        other.run("SET a 1");
        other.run("SET a 2");
        other.run("SET c 2");
        assert_eq!(pushed(&mut rig), ">2|$10|invalidate|*1|$1|a");
        rig.run("SET b 1");
        assert_eq!(pushed(&mut rig), ">2|$10|invalidate|*1|$1|b");
        rig.run("GET a");
        other.run("FLUSHALL");
        assert_eq!(pushed(&mut rig), ">2|$10|invalidate|_");
        rig.run("GET a");
        rig.run("CLIENT TRACKING OFF");
        other.run("SET a 3");
        assert_eq!(pushed(&mut rig), "");
    }

    #[test]
    fn own_changes_are_left_out_if_asked_for() {
        let mut rig = Rig::new();
        let mut other = rig.another();
        rig.run("HELLO 3");
        rig.run("CLIENT TRACKING ON NOLOOP");
        rig.run("MGET a b");
        rig.run("SET a 1");
        other.run("SET b 1");
        assert_eq!(pushed(&mut rig), ">2|$10|invalidate|*1|$1|b");
        rig.run("CLIENT TRACKING OFF");
        rig.run("CLIENT TRACKING ON BCAST NOLOOP PREFIX a PREFIX b");
        rig.run("SET a1 1");
        other.run("MSET a2 1 b2 1 c2 1 a3 1");
        assert_eq!(pushed(&mut rig), ">2|$10|invalidate|*2|$2|a2|$2|a3; >2|$10|invalidate|*1|$2|b2");
    }

    #[test]
    fn keys_are_tracked_as_the_client_says() {
        let mut rig = Rig::new();
        let mut other = rig.another();
        rig.run("HELLO 3");
        rig.run("CLIENT TRACKING ON OPTIN");
        rig.run("GET a");
        rig.run("CLIENT CACHING YES");
        rig.run("GET b");
        rig.run("GET c");
        other.run("MSET a 1 b 1 c 1");
        assert_eq!(pushed(&mut rig), ">2|$10|invalidate|*1|$1|b");
        assert!(rig.run("CLIENT CACHING NO").starts_with("-ERR CLIENT CACHING NO is only valid"));
        assert!(rig.run("CLIENT TRACKING ON OPTOUT").starts_with("-ERR You can't switch OPTIN/OPTOUT"));
        rig.run("CLIENT TRACKING OFF");
        rig.run("CLIENT TRACKING ON OPTOUT");
        rig.run("CLIENT CACHING NO");
        rig.run("GET a");
        rig.run("GET b");
        other.run("MSET a 1 b 1");
        assert_eq!(pushed(&mut rig), ">2|$10|invalidate|*1|$1|b");
    }

    #[test]
    fn an_expired_key_is_told_and_noted_again() {
        let mut rig = Rig::new();
        let mut other = rig.another();
        rig.run("HELLO 3");
        rig.run("CLIENT TRACKING ON NOLOOP");
        rig.run("SET a 1 PX 10");
        rig.run("GET a");
        rig.advance_ms(20);
        assert_eq!(rig.run("GET a"), "_");
        assert_eq!(pushed(&mut rig), ">2|$10|invalidate|*1|$1|a");
        other.run("SET a 2");
        assert_eq!(pushed(&mut rig), ">2|$10|invalidate|*1|$1|a");
    }

    #[test]
    fn another_client_can_be_told_instead() {
        let mut rig = Rig::new();
        let mut other = rig.another();
        let id = rig.run("CLIENT ID");
        let id = id.trim_start_matches(':');
        assert!(other.run("CLIENT TRACKING ON REDIRECT 999").starts_with("-ERR The client ID you want"));
        assert_eq!(other.run(&format!("CLIENT TRACKING ON REDIRECT {id}")), "+OK");
        rig.run("SUBSCRIBE __redis__:invalidate");
        other.run("GET a");
        other.run("SET a 1");
        assert_eq!(pushed(&mut rig), "*3|$7|message|$20|__redis__:invalidate|*1|$1|a");
        assert_eq!(other.run("CLIENT GETREDIR"), format!(":{id}"));
        assert_eq!(
            other.run("CLIENT TRACKINGINFO"),
            format!("*6|$5|flags|*1|$2|on|$8|redirect|:{id}|$8|prefixes|*0")
        );
    }

    #[test]
    fn prefixes_of_a_client_do_not_overlap() {
        let mut rig = Rig::new();
        assert_eq!(
            rig.run("CLIENT TRACKING ON BCAST PREFIX FOOBAR PREFIX FOO"),
            "-ERR Prefix 'FOOBAR' overlaps with another provided prefix 'FOO'. Prefixes for a single client must not overlap."
        );
        assert_eq!(rig.run("CLIENT TRACKING ON BCAST PREFIX FOO"), "+OK");
        assert!(
            rig.run("CLIENT TRACKING ON BCAST PREFIX FO")
                .starts_with("-ERR Prefix 'FO' overlaps with an existing prefix 'FOO'.")
        );
        assert!(rig.run("CLIENT TRACKING ON PREFIX x").starts_with("-ERR PREFIX option requires BCAST"));
        assert!(rig.run("CLIENT TRACKING ON").starts_with("-ERR You can't switch BCAST"));
    }

    #[test]
    fn too_many_keys_are_given_up() {
        let mut rig = Rig::new();
        rig.run("HELLO 3");
        rig.run("CLIENT TRACKING ON");
        rig.run("MGET a b c");
        let settings = redan_engine::Settings { tracking_max_keys: 1, ..Default::default() };
        rig.engine.set_settings(settings);
        assert_eq!(rig.run("PING").matches("invalidate").count(), 2, "in front of the reply");
        assert_eq!(rig.engine.tracking_counts().keys, 1);
    }
}
