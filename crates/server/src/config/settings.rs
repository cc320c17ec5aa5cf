//! One consistent set of values, with typed access.

use super::param::Param;
use super::table;
use super::value::{Amount, MasterAddr, OutputLimits, SavePoint, Value};
use std::marker::PhantomData;

/// A type that the values of some parameters are read as.
pub trait Setting {
    /// What reading gives.
    type Out<'a>;
    /// Reads the value, `None` if it is of another type.
    fn read(value: &Value) -> Option<Self::Out<'_>>;
}

/// Names a row of the table together with the type of its values; the constants in [`rows`](super::rows) are all
/// there are. Reading through a key is an array access.
pub struct Key<T: ?Sized> {
    index: u16,
    kind: PhantomData<fn() -> Box<T>>,
}

impl<T: ?Sized> Clone for Key<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Key<T> {}

impl<T: ?Sized> std::fmt::Debug for Key<T> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Key({})", self.param().name)
    }
}

impl<T: ?Sized> Key<T> {
    pub(super) const fn new(index: u16) -> Key<T> {
        Key { index, kind: PhantomData }
    }

    /// The row.
    pub fn param(self) -> &'static Param {
        table::at(usize::from(self.index))
    }

    /// The parameter's name.
    pub fn name(self) -> &'static str {
        self.param().name
    }
}

/// The values of all parameters at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    values: Box<[Value]>,
}

impl Settings {
    /// What holds while nothing is configured. `dir` is the directory the process is in, an absolute path.
    pub fn new(dir: &str) -> Settings {
        let mut settings = Settings { values: table::all().map(Value::default_of).collect() };
        *settings.value_mut(table::position(super::rows::DIR.name()).expect("dir is a row")) =
            Value::Text(dir.to_owned());
        settings
    }

    /// The value of a parameter. Costs an array access.
    pub fn get<T: Setting + ?Sized>(&self, key: Key<T>) -> T::Out<'_> {
        T::read(&self.values[usize::from(key.index)])
            .expect("the table's kinds agree with the types of the keys")
    }

    pub(super) fn value(&self, index: usize) -> &Value {
        &self.values[index]
    }

    pub(super) fn value_mut(&mut self, index: usize) -> &mut Value {
        &mut self.values[index]
    }

    /// Reduces `maxclients` to what the system can handle.
    pub(crate) fn limit_clients(&mut self, clients: u64) {
        let row = table::position(super::rows::MAXCLIENTS.name()).expect("maxclients is a row");
        *self.value_mut(row) = Value::Int(i64::try_from(clients).unwrap_or(i64::MAX));
    }

    /// The value of a parameter as CONFIG GET shows it; `None` if there is no such parameter (or alias).
    pub fn show(&self, name: &str) -> Option<Vec<u8>> {
        let index = table::position(name)?;
        Some(self.values[index].show(table::at(index)))
    }
}

macro_rules! readable {
    ($($kind:ty, |$life:lifetime| $out:ty, $pattern:pat => $value:expr;)+) => {$(
        impl Setting for $kind {
            type Out<$life> = $out;
            fn read<$life>(value: &$life Value) -> Option<$out> {
                match value {
                    $pattern => Some($value),
                    _ => None,
                }
            }
        }
    )+};
}

readable! {
    bool, |'a| bool, Value::Bool(on) => *on;
    i64, |'a| i64, Value::Int(number) => *number;
    u64, |'a| u64, Value::Amount(Amount::Bytes(bytes)) => *bytes;
    Amount, |'a| Amount, Value::Amount(amount) => *amount;
    OutputLimits, |'a| OutputLimits, Value::Limits(limits) => *limits;
    [i32; 3], |'a| [i32; 3], Value::Oom(scores) => *scores;
    str, |'a| &'a str, Value::Text(text) => text;
    [u8], |'a| &'a [u8], Value::Bytes(bytes) => bytes;
    [SavePoint], |'a| &'a [SavePoint], Value::Save(points) => points;
    [String], |'a| &'a [String], Value::Bind(addresses) => addresses;
    [f64], |'a| &'a [f64], Value::Percentiles(list) => list;
    MasterAddr, |'a| Option<&'a MasterAddr>, Value::Master(master) => master.as_ref();
}
