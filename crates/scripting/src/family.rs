//! What the libraries of functions have in common: how they are handed to the sandbox, and how they read arguments.

use crate::redis::refused;
use mlua::{IntoLua, IntoLuaMulti, Lua, MultiValue, Table, Value, Variadic};

/// What a function of a library returns: its results, or what is wrong with its arguments.
pub(crate) type Answer = Result<MultiValue, Refusal>;

/// Why a function gave no results.
pub(crate) enum Refusal {
    /// A message for the script.
    Text(String),
    /// The interpreter failed.
    Lua(mlua::Error),
}

impl From<mlua::Error> for Refusal {
    fn from(error: mlua::Error) -> Self {
        Self::Lua(error)
    }
}

impl From<String> for Refusal {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Refusal {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A library as the sandbox takes it.
pub(crate) struct Family<'lua> {
    lua: &'lua Lua,
    functions: Table,
    constants: Table,
}

impl<'lua> Family<'lua> {
    pub(crate) fn new(lua: &'lua Lua) -> mlua::Result<Self> {
        Ok(Self { lua, functions: lua.create_table()?, constants: lua.create_table()? })
    }

    /// Adds a function.
    pub(crate) fn function<F>(&self, name: &'static str, function: F) -> mlua::Result<()>
    where
        F: Fn(&Lua, Given<'_>) -> Answer + Send + 'static,
    {
        let wrapped = self.lua.create_function(move |lua, args: Variadic<Value>| {
            match function(lua, Given { lua, function: name, args: &args }) {
                Ok(mut results) => {
                    results.push_front(Value::Boolean(true));
                    Ok(results)
                }
                Err(Refusal::Text(why)) => refused(lua, &why),
                Err(Refusal::Lua(error)) => Err(error),
            }
        })?;
        self.functions.raw_set(name, wrapped)
    }

    /// Adds a constant.
    pub(crate) fn constant(&self, name: &str, value: impl IntoLua) -> mlua::Result<()> {
        self.constants.raw_set(name, value)
    }

    pub(crate) fn finish(self) -> mlua::Result<Table> {
        let table = self.lua.create_table()?;
        table.raw_set("functions", self.functions)?;
        table.raw_set("constants", self.constants)?;
        Ok(table)
    }
}

/// The arguments of a call.
#[derive(Clone, Copy)]
pub(crate) struct Given<'v> {
    lua: &'v Lua,
    function: &'static str,
    args: &'v [Value],
}

impl<'v> Given<'v> {
    pub(crate) fn len(&self) -> usize {
        self.args.len()
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'v, Value> {
        self.args.iter()
    }

    /// Argument `at`, nil if there is none.
    pub(crate) fn value(&self, at: usize) -> Value {
        self.args.get(at).cloned().unwrap_or(Value::Nil)
    }

    /// Whether argument `at` is missing or nil.
    pub(crate) fn is_absent(&self, at: usize) -> bool {
        self.args.get(at).is_none_or(Value::is_nil)
    }

    /// A number, or text that is one.
    pub(crate) fn number(&self, at: usize) -> Result<f64, Refusal> {
        let number = self.lua.coerce_number(self.value(at))?;
        number.ok_or_else(|| self.wrong(at, "number"))
    }

    /// A number, truncated.
    pub(crate) fn int(&self, at: usize) -> Result<i64, Refusal> {
        self.number(at).map(|number| number as i64)
    }

    /// Text, or a number as text.
    pub(crate) fn text(&self, at: usize) -> Result<mlua::LuaString, Refusal> {
        let value = self.value(at);
        let text = if value.is_string() || value.is_number() || value.is_integer() {
            self.lua.coerce_string(value)?
        } else {
            None
        };
        text.ok_or_else(|| self.wrong(at, "string"))
    }

    /// That argument `at` is something else than was expected.
    pub(crate) fn wrong(&self, at: usize, expected: &str) -> Refusal {
        let got = self.args.get(at).map_or("no value", Value::type_name);
        Refusal::Text(format!(
            "bad argument #{} to '{}' ({expected} expected, got {got})",
            at + 1,
            self.function
        ))
    }

    /// That argument `at` is wrong in some other way.
    pub(crate) fn bad(&self, at: usize, why: &str) -> Refusal {
        Refusal::Text(format!("bad argument #{} to '{}' ({why})", at + 1, self.function))
    }
}

/// Results of a function.
pub(crate) fn results(lua: &Lua, values: impl IntoLuaMulti) -> Answer {
    Ok(values.into_lua_multi(lua)?)
}
