//! The patterns of BY and GET: names of keys, and of fields of hashes, with an asterisk for the element.

use redan_engine::Cx;
use redan_keyspace::Hash;

use crate::hash::fields::expire_met;
use crate::string::value::notify_miss;

/// A pattern.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pattern<'a> {
    /// `#`: the element itself.
    Element,
    /// Without an asterisk: names no key at all.
    Constant,
    /// A key's name around the element, and the field of a hash.
    Key { before: &'a [u8], behind: &'a [u8], field: Option<&'a [u8]> },
}

impl<'a> Pattern<'a> {
    /// Takes a pattern apart.
    pub(super) fn new(text: &'a [u8]) -> Self {
        if text == b"#" {
            return Self::Element;
        }
        let Some(asterisk) = text.iter().position(|&byte| byte == b'*') else { return Self::Constant };
        let (before, behind) = (&text[..asterisk], &text[asterisk + 1..]);
        match behind.windows(2).position(|pair| pair == b"->") {
            // An arrow at the end points to nothing and belongs to the name.
            Some(arrow) if arrow + 2 < behind.len() => {
                Self::Key { before, behind: &behind[..arrow], field: Some(&behind[arrow + 2..]) }
            }
            _ => Self::Key { before, behind, field: None },
        }
    }

    /// Whether it gives the same for all elements: nothing (or, of all things, `#` as what to sort by).
    pub(super) fn is_constant(&self) -> bool {
        !matches!(self, Self::Key { .. })
    }

    /// What it gives for an element: a string, or a field of a hash.
    pub(super) fn look_up(&self, cx: &mut Cx<'_, '_>, element: &[u8]) -> Option<Vec<u8>> {
        let (before, behind, field) = match *self {
            Self::Element => return Some(element.to_vec()),
            Self::Constant => return None,
            Self::Key { before, behind, field } => (before, behind, field),
        };
        let name = [before, element, behind].concat();
        let key = cx.key(&name);
        let horizon_ms = cx.view.access().horizon_ms();
        let Some(entry) = cx.view.get(&key) else {
            notify_miss(cx, &name);
            return None;
        };
        let Some(field) = field else { return entry.string().map(|value| value.to_vec()) };
        let found = entry.aggregate::<Hash>()?.value(field, horizon_ms).map(|value| value.to_vec());
        if found.is_none() {
            // It may be there and over.
            expire_met(&mut cx.view, &key, [field]);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_taken_apart() {
        let key = |before: &'static str, behind: &'static str, field: Option<&'static str>| Pattern::Key {
            before: before.as_bytes(),
            behind: behind.as_bytes(),
            field: field.map(str::as_bytes),
        };
        for (text, expected) in [
            ("#", Pattern::Element),
            ("nosort", Pattern::Constant),
            ("", Pattern::Constant),
            ("a->b", Pattern::Constant),
            ("*", key("", "", None)),
            ("w_*", key("w_", "", None)),
            ("a*b*c", key("a", "b*c", None)),
            ("w_*->f", key("w_", "", Some("f"))),
            ("w_*x->f->g", key("w_", "x", Some("f->g"))),
            ("w_*->", key("w_", "->", None)),
            ("a->b*", key("a->b", "", None)),
        ] {
            assert_eq!(Pattern::new(text.as_bytes()), expected, "{text}");
        }
    }
}
