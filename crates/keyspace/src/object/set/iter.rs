//! Walking over the members of a set.

use super::{Repr, Set};
use crate::dense::Dense;
use crate::listpack;
use crate::object::set::member::Member;
use crate::value::StringRef;

/// The members of a set: ascending in an intset, in the order of their arrival in a listpack, in no order otherwise.
pub struct SetIter<'a>(Inner<'a>);

enum Inner<'a> {
    Intset { set: &'a crate::intset::Intset, next: usize },
    Listpack(listpack::Iter<'a>),
    Table { table: &'a Dense<Member>, next: u32 },
}

impl Set {
    /// All members.
    pub fn iter(&self) -> SetIter<'_> {
        SetIter(match &self.repr {
            Repr::Intset(set) => Inner::Intset { set, next: 0 },
            Repr::Listpack(listpack) => Inner::Listpack(listpack.iter()),
            Repr::Table(table) => Inner::Table { table, next: 0 },
        })
    }
}

impl<'a> IntoIterator for &'a Set {
    type Item = StringRef<'a>;
    type IntoIter = SetIter<'a>;

    fn into_iter(self) -> SetIter<'a> {
        self.iter()
    }
}

impl<'a> Iterator for SetIter<'a> {
    type Item = StringRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<StringRef<'a>> {
        match &mut self.0 {
            Inner::Intset { set, next } => {
                let value = set.get(*next)?;
                *next += 1;
                Some(StringRef::Int(value))
            }
            Inner::Listpack(iter) => iter.next(),
            Inner::Table { table, next } => {
                let member = table.try_get(*next)?;
                *next += 1;
                Some(member.text())
            }
        }
    }
}
