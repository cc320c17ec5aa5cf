//! BITCOUNT, BITPOS: all bits of a string or of a part of it.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
};
use redan_keyspace::IntText;
use redan_resp::Args;

use super::bits;
use crate::arg;
use crate::string::value::{notify_miss, string_of};

const UNITS: &[Arg] = &[Arg::token("byte", "BYTE"), Arg::token("bit", "BIT")];

/// BITCOUNT key [start end [BYTE | BIT]]
pub(super) const BITCOUNT: Command = Command::new("bitcount", -2, bitcount)
    .flags(flag::READONLY)
    .acl(category::BITMAP)
    .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)])
    .docs(
        Group::Bitmap,
        "2.6.0",
        "O(N) where N is the length of what is counted.",
        "Counts the bits that are set in the string of a key.",
    )
    .args(&[
        Arg::key("key", 0),
        Arg::block(
            "range",
            &[
                Arg::new("start", ArgKind::Integer),
                Arg::new("end", ArgKind::Integer),
                Arg::one_of("unit", UNITS).optional(),
            ],
        )
        .optional(),
    ]);

fn bitcount(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let range = match args.len() {
        2 => Range::WHOLE,
        4 | 5 => Range {
            start: arg::int(&args[2])?,
            end: Some(arg::int(&args[3])?),
            unit: args.get(4).map_or(Ok(Unit::Byte), Unit::parse)?,
        },
        _ => return Err(errors::SYNTAX),
    };
    let key = cx.key(&args[1]);
    match cx.view.get(&key) {
        Some(entry) => {
            let mut text = IntText::new();
            let bytes = string_of(entry)?.bytes(&mut text);
            // A range that is empty as it is written stays empty, however short the string.
            let place = if range.is_backwards() { None } else { range.place(bytes.len()) };
            cx.out.int(place.map_or(0, |(first, last)| bits::count_between(bytes, first, last) as i64));
        }
        None => {
            cx.out.int(0);
            notify_miss(cx, key.bytes);
        }
    }
    Ok(())
}

/// BITPOS key bit [start [end [BYTE | BIT]]]
pub(super) const BITPOS: Command = Command::new("bitpos", -3, bitpos)
    .flags(flag::READONLY)
    .acl(category::BITMAP)
    .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)])
    .docs(
        Group::Bitmap,
        "2.8.7",
        "O(N) where N is the length of what is searched.",
        "Finds the first bit of the string of a key that is set, or that is not.",
    )
    .args(&[
        Arg::key("key", 0),
        Arg::new("bit", ArgKind::Integer),
        Arg::block(
            "range",
            &[
                Arg::new("start", ArgKind::Integer),
                Arg::block(
                    "end-unit-block",
                    &[Arg::new("end", ArgKind::Integer), Arg::one_of("unit", UNITS).optional()],
                )
                .optional(),
            ],
        )
        .optional(),
    ]);

fn bitpos(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let wanted = match arg::int(&args[2])? {
        0 => false,
        1 => true,
        _ => return Err(errors::BITPOS_BIT),
    };
    if args.len() > 6 {
        return Err(errors::SYNTAX);
    }
    let range = Range {
        start: args.get(3).map_or(Ok(0), arg::int)?,
        unit: args.get(5).map_or(Ok(Unit::Byte), Unit::parse)?,
        end: args.get(4).map(arg::int).transpose()?,
    };
    let key = cx.key(&args[1]);
    let found = match cx.view.get(&key) {
        Some(entry) => {
            let mut text = IntText::new();
            position(string_of(entry)?.bytes(&mut text), &range, wanted)
        }
        None => {
            notify_miss(cx, key.bytes);
            // A missing key is endless zeros.
            (!wanted).then_some(0)
        }
    };
    cx.out.int(found.map_or(-1, |at| at as i64));
    Ok(())
}

/// Where the first bit that is `wanted` is in the range. Without an end the string goes on with zeros.
fn position(bytes: &[u8], range: &Range, wanted: bool) -> Option<usize> {
    let (first, last) = range.place(bytes.len())?;
    let found = bits::find_between(bytes, first, last, wanted);
    found.or_else(|| (!wanted && range.end.is_none()).then_some(bytes.len() * 8))
}

/// What the ends of a range count.
#[derive(Clone, Copy)]
enum Unit {
    Byte,
    Bit,
}

impl Unit {
    fn parse(word: &[u8]) -> Result<Self, ReplyError> {
        if arg::is(word, "BIT") {
            Ok(Self::Bit)
        } else if arg::is(word, "BYTE") {
            Ok(Self::Byte)
        } else {
            Err(errors::SYNTAX)
        }
    }
}

/// A part of a string: both ends included, counted from the end when negative.
struct Range {
    start: i64,
    /// The last byte if there is none.
    end: Option<i64>,
    unit: Unit,
}

impl Range {
    const WHOLE: Self = Self { start: 0, end: None, unit: Unit::Byte };

    fn is_backwards(&self) -> bool {
        self.end.is_some_and(|end| self.start < 0 && end < 0 && self.start > end)
    }

    /// First and last bit of the range in a string of `len` bytes, or `None` if there are no bits in it.
    fn place(&self, len: usize) -> Option<(usize, usize)> {
        let bits_each = match self.unit {
            Unit::Byte => 8,
            Unit::Bit => 1,
        };
        let total = (len * 8 / bits_each) as i64;
        let place = |index: i64| if index < 0 { (total + index).max(0) } else { index };
        let (first, last) = (place(self.start), place(self.end.unwrap_or(-1)).min(total - 1));
        (first <= last).then(|| (first as usize * bits_each, (last as usize + 1) * bits_each - 1))
    }
}
