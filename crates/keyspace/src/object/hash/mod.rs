//! A hash: fields with values, and perhaps with a time to live of their own.
//!
//! Small ones are a listpack; one whose fields may expire is a listpack that holds their times too; big ones are a
//! table. A hash goes from one to the next as it is changed, and never back.
//!
//! A field whose time has come stays until somebody removes it: commands that meet it, or the active cycle. Whoever
//! reads says by a *horizon* which fields count as gone: those that expire before it (see
//! [`Access::horizon_ms`](crate::Access::horizon_ms)).

mod packed;
mod pair;
mod table;

use super::{Aggregate, variant};
use crate::limits::{Limit, Limits};
use crate::listpack::Listpack;
use crate::table::SetTtl;
use crate::value::{Encoding, StringRef};
use packed::{PLAIN, TIMED};
use table::HashTable;

/// A hash.
#[derive(Clone)]
pub struct Hash(Form);

/// How a hash is stored.
#[derive(Clone)]
enum Form {
    Listpack(Listpack),
    ListpackEx(Box<Listpack>),
    Table(Box<HashTable>),
}

const _: () = assert!(size_of::<Hash>() <= 24);

/// A field, its value, and when it expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldRef<'a> {
    /// The field.
    pub field: StringRef<'a>,
    /// Its value.
    pub value: StringRef<'a>,
    /// When it expires, in Unix milliseconds.
    pub expire_at_ms: Option<i64>,
}

impl FieldRef<'_> {
    /// Whether it is there for somebody with this horizon.
    #[inline]
    pub fn is_live(&self, horizon_ms: i64) -> bool {
        self.expire_at_ms.is_none_or(|at_ms| at_ms >= horizon_ms)
    }
}

impl Default for Hash {
    fn default() -> Self {
        Self(Form::Listpack(Listpack::new()))
    }
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut fields = Vec::new();
        self.for_each(|field| fields.push(field));
        f.debug_set().entries(fields).finish()
    }
}

impl Aggregate for Hash {
    variant!(Hash);

    #[inline]
    fn len(&self) -> usize {
        match &self.0 {
            Form::Listpack(list) => packed::len(list, PLAIN),
            Form::ListpackEx(list) => packed::len(list, TIMED),
            Form::Table(table) => table.len(),
        }
    }

    #[inline]
    fn is_empty(&self) -> bool {
        match &self.0 {
            Form::Listpack(list) => list.is_empty(),
            Form::ListpackEx(list) => list.is_empty(),
            Form::Table(table) => table.len() == 0,
        }
    }

    fn encoding(&self) -> Encoding {
        match &self.0 {
            Form::Listpack(_) => Encoding::Listpack,
            Form::ListpackEx(_) => Encoding::ListpackEx,
            Form::Table(_) => Encoding::Hashtable,
        }
    }

    fn memory_usage(&self, samples: usize) -> usize {
        match &self.0 {
            Form::Listpack(list) => list.allocated(),
            Form::ListpackEx(list) => size_of::<Listpack>() + list.allocated(),
            Form::Table(table) => table.memory_usage(samples),
        }
    }

    fn free_effort(&self) -> usize {
        match &self.0 {
            Form::Listpack(_) | Form::ListpackEx(_) => 1,
            Form::Table(table) => table.free_effort(),
        }
    }
}

/// Building one at once.
impl Hash {
    /// A hash of these elements: field, value, field, value ... The caller has checked that fields are whole and differ.
    pub fn from_listpack(list: Listpack) -> Self {
        Self(Form::Listpack(list))
    }

    /// A hash of these elements: field, value, expiry (0: none) ..., ordered by expiry with those without at the end. The
    /// caller has checked that, and that fields are whole and differ.
    pub fn from_listpack_ex(list: Listpack) -> Self {
        Self(Form::ListpackEx(Box::new(list)))
    }

    /// An empty hash as a table with room for so many fields.
    pub fn table_with_room(fields: usize) -> Self {
        Self(Form::Table(Box::new(HashTable::with_room(fields))))
    }

    /// The elements of a hash whose encoding is listpack or listpackex.
    pub fn as_listpack(&self) -> Option<&Listpack> {
        match &self.0 {
            Form::Listpack(list) => Some(list),
            Form::ListpackEx(list) => Some(list),
            Form::Table(_) => None,
        }
    }
}

/// Reading.
impl Hash {
    /// A field with value and expiry, whether its time has come or not. O(1), or O(N) in a listpack.
    #[inline]
    pub fn get(&self, field: &[u8]) -> Option<FieldRef<'_>> {
        match &self.0 {
            Form::Listpack(list) => packed::get(list, PLAIN, field),
            Form::ListpackEx(list) => packed::get(list, TIMED, field),
            Form::Table(table) => table.get(field),
        }
    }

    /// The value of a field that is there for somebody with this horizon.
    #[inline]
    pub fn value(&self, field: &[u8], horizon_ms: i64) -> Option<StringRef<'_>> {
        let found = self.get(field)?;
        found.is_live(horizon_ms).then_some(found.value)
    }

    /// The field with the given number below [`len`](Aggregate::len), for fair random picks. O(1), or O(N) in a listpack.
    pub fn at(&self, index: usize) -> Option<FieldRef<'_>> {
        match &self.0 {
            Form::Listpack(list) => packed::at(list, PLAIN, index),
            Form::ListpackEx(list) => packed::at(list, TIMED, index),
            Form::Table(table) => table.at(index),
        }
    }

    /// Shows all fields, those whose time has come too.
    pub fn for_each<'a>(&'a self, visit: impl FnMut(FieldRef<'a>)) {
        match &self.0 {
            Form::Listpack(list) => packed::for_each(list, PLAIN, visit),
            Form::ListpackEx(list) => packed::for_each(list, TIMED, visit),
            Form::Table(table) => table.for_each(visit),
        }
    }

    /// One step of HSCAN: shows about `count` fields, those whose time has come too, and gives the cursor to go on with, 0
    /// at the end; a listpack is shown at once. Every field that is there throughout is shown. Start with 0.
    pub fn scan(&self, cursor: u64, count: usize, visit: impl FnMut(FieldRef<'_>)) -> u64 {
        match &self.0 {
            Form::Table(table) => table.scan(cursor, count, visit),
            _ => {
                self.for_each(visit);
                0
            }
        }
    }

    /// The earliest expiry of a field; `None` if no field has one. O(1).
    #[inline]
    pub fn next_expiry(&self) -> Option<i64> {
        match &self.0 {
            Form::Listpack(_) => None,
            Form::ListpackEx(list) => packed::next_expiry(list),
            Form::Table(table) => table.next_expiry(),
        }
    }

    /// Whether the time of some field has come.
    #[inline]
    pub fn has_expired(&self, horizon_ms: i64) -> bool {
        self.next_expiry().is_some_and(|at_ms| at_ms < horizon_ms)
    }

    /// Number of fields that are there for somebody with this horizon. O(1) unless the time of some has come.
    pub fn live_len(&self, horizon_ms: i64) -> usize {
        if !self.has_expired(horizon_ms) {
            return self.len();
        }
        let mut live = 0;
        self.for_each(|field| live += usize::from(field.is_live(horizon_ms)));
        live
    }
}

/// Changing.
impl Hash {
    /// Sets value and expiry of a field, and says whether the field is new. O(1), or O(N) in a listpack. Times before 1970
    /// are not kept apart: 0 stands for none in a listpack.
    #[inline]
    pub fn set(&mut self, field: &[u8], value: &[u8], ttl: SetTtl, limits: &Limits) -> bool {
        self.make_room(field.len(), value.len(), limits);
        let ttl = match ttl {
            SetTtl::At(at_ms) => {
                self.allow_expiry();
                SetTtl::At(at_ms.max(1))
            }
            other => other,
        };
        let created = match &mut self.0 {
            Form::Listpack(list) => packed::set(list, field, value),
            Form::ListpackEx(list) => packed::set_timed(list, field, value, ttl),
            Form::Table(table) => return table.set(field, value, ttl),
        };
        if created && self.len() > limits.size(Limit::HashMaxListpackEntries) {
            self.become_table();
        }
        created
    }

    /// Sets or removes the expiry of a field, as [`set`](Self::set) does, and says whether the field is there.
    pub fn set_expiry(&mut self, field: &[u8], expire_at_ms: Option<i64>) -> bool {
        let expire_at_ms = expire_at_ms.map(|at_ms| at_ms.max(1));
        if expire_at_ms.is_some() {
            self.allow_expiry();
        }
        match &mut self.0 {
            Form::Listpack(list) => packed::get(list, PLAIN, field).is_some(),
            Form::ListpackEx(list) => packed::set_expiry(list, field, expire_at_ms),
            Form::Table(table) => table.set_expiry(field, expire_at_ms),
        }
    }

    /// Removes a field, and says whether it was there.
    #[inline]
    pub fn remove(&mut self, field: &[u8]) -> bool {
        match &mut self.0 {
            Form::Listpack(list) => packed::remove(list, PLAIN, field),
            Form::ListpackEx(list) => packed::remove(list, TIMED, field),
            Form::Table(table) => table.remove(field),
        }
    }

    /// Removes the field whose time came first, if there is one before the horizon, and gives its name.
    pub fn pop_expired(&mut self, horizon_ms: i64) -> Option<Box<[u8]>> {
        match &mut self.0 {
            Form::Listpack(_) => None,
            Form::ListpackEx(list) => packed::pop_expired(list, horizon_ms),
            Form::Table(table) => table.pop_expired(horizon_ms),
        }
    }

    /// Goes to the encoding that so many more fields ask for, before they are added one by one.
    pub fn expect_fields(&mut self, fields: usize, limits: &Limits) {
        if !matches!(self.0, Form::Table(_)) && fields > limits.size(Limit::HashMaxListpackEntries) {
            self.become_table();
        }
    }

    /// Goes to a table if these lengths are too much for a listpack.
    #[inline]
    fn make_room(&mut self, field_len: usize, value_len: usize, limits: &Limits) {
        let list = match &self.0 {
            Form::Listpack(list) => list,
            Form::ListpackEx(list) => list,
            Form::Table(_) => return,
        };
        let longest = limits.size(Limit::HashMaxListpackValue);
        if field_len > longest || value_len > longest || !list.has_room_for(field_len + value_len) {
            self.become_table();
        }
    }

    /// Goes to an encoding that can hold expiries.
    #[inline]
    fn allow_expiry(&mut self) {
        if let Form::Listpack(list) = &self.0 {
            self.0 = Form::ListpackEx(Box::new(packed::with_times(list)));
        }
    }

    #[cold]
    fn become_table(&mut self) {
        let mut table = HashTable::with_room(self.len());
        self.for_each(|found| {
            let ttl = found.expire_at_ms.map_or(SetTtl::Clear, SetTtl::At);
            let (mut field, mut value) = Default::default();
            table.set(found.field.bytes(&mut field), found.value.bytes(&mut value), ttl);
        });
        self.0 = Form::Table(Box::new(table));
    }
}

#[cfg(test)]
mod tests;
