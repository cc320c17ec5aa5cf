-- The sandbox. Runs once in a new interpreter, with a table of functions of the server's as its first argument, and
-- returns a table of the functions by which the server runs scripts.
--
-- Lua 5.1 has no read-only tables. Here one is an empty table whose metatable sends readers on to the contents and
-- refuses writers. What in the standard library goes past metatables is replaced: whoever iterates sees the contents
-- but never gets hold of them.

local host, deprecated = ...

local error, getmetatable, ipairs, loadstring, next, pairs, rawget, rawset, setmetatable, tostring, type, xpcall =
    error, getmetatable, ipairs, loadstring, next, pairs, rawget, rawset, setmetatable, tostring, type, xpcall
local collectgarbage, getfenv, newproxy, select, setfenv, tonumber, unpack =
    collectgarbage, getfenv, newproxy, select, setfenv, tonumber, unpack
local create, resume = coroutine.create, coroutine.resume
local raw_insert = table.insert
local outside = getfenv(1)

-- Read-only tables ---------------------------------------------------------------------------------------------------

-- Of each read-only table, its contents.
local frozen = setmetatable({}, { __mode = "k" })

local function refuse()
    error("Attempt to modify a readonly table", 2)
end

local function freeze(contents, shown)
    local proxy = {}
    local meta = { __index = contents, __newindex = refuse, __metatable = shown }
    frozen[proxy] = contents
    return setmetatable(proxy, meta), meta
end

local nothing, nothing_meta = freeze({})
nothing_meta.__metatable = nothing

-- Reading what is not there is an error, too.
local function missing(_, name)
    error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
end

local function strict(contents)
    return setmetatable(contents, { __index = missing })
end

local function freeze_library(contents)
    return (freeze(contents, nothing))
end

-- The server's functions return true and their results, or false and what is wrong.
local function finish(ok, ...)
    if ok then
        return ...
    end
    error((...), 3)
end

local function guarded(functions)
    local library = {}
    for name, f in pairs(functions) do
        library[name] = function(...)
            return finish(f(...))
        end
    end
    return library
end

-- The standard library -----------------------------------------------------------------------------------------------

local globals = strict({})

for _, name in ipairs({
    "assert", "error", "gcinfo", "getmetatable", "ipairs", "pcall", "rawequal", "select", "tonumber", "tostring",
    "type", "xpcall", "_VERSION",
}) do
    globals[name] = outside[name]
end

local function see_next(t, k)
    return next(frozen[t] or t, k)
end

function globals.next(t, k)
    return see_next(t, k)
end

function globals.pairs(t)
    if frozen[t] then
        return see_next, t, nil
    end
    return pairs(t)
end

function globals.rawget(t, k)
    return rawget(frozen[t] or t, k)
end

function globals.rawset(t, k, v)
    if frozen[t] then
        refuse()
    end
    return rawset(t, k, v)
end

function globals.setmetatable(t, meta)
    if frozen[t] then
        error("Attempt to modify a readonly table", 2)
    end
    return setmetatable(t, meta)
end

-- Compiled code is not checked by the interpreter and could do anything: only source is loaded.
function globals.loadstring(code, name)
    return host.compile(code, name)
end

function globals.load(reader, name)
    local pieces, count = {}, 0
    while true do
        local piece = reader()
        if piece == nil or piece == "" then
            break
        end
        if type(piece) ~= "string" then
            return nil, "reader function must return a string"
        end
        count = count + 1
        pieces[count] = piece
    end
    return host.compile(host.concat(pieces), name or "=(load)")
end

-- How the collector works is not for scripts to say.
function globals.collectgarbage(what, argument)
    if what == nil or what == "collect" or what == "count" or what == "step" then
        return collectgarbage(what or "collect", argument)
    end
    return 0
end

local function copied(library)
    local copy = {}
    for name, value in pairs(library) do
        copy[name] = value
    end
    return copy
end

local strings = copied(outside.string)
local tables = copied(outside.table)
local maths = copied(outside.math)

function tables.insert(t, ...)
    if frozen[t] then
        error("Attempt to modify a readonly table", 2)
    end
    return raw_insert(t, ...)
end

-- More values than this do not fit the interpreter's stack; it must not even be asked for absurd ranges.
local MOST_VALUES = 8000

function globals.unpack(t, first, last)
    if first == nil and last == nil then
        if #t > MOST_VALUES then
            error("too many results to unpack", 2)
        end
        return unpack(t)
    end
    first = first == nil and 1 or tonumber(first)
    last = last == nil and #t or tonumber(last)
    if not first or not last then
        error("bad argument to 'unpack' (number expected)", 2)
    end
    if last - first >= MOST_VALUES or (last >= first and (first < -2147483648 or last > 2147483647)) then
        error("too many results to unpack", 2)
    end
    if last < first then
        return
    end
    return unpack(t, first, last)
end

-- The matcher calls itself for each item of a pattern: a long one would use up the native stack.
local LONGEST_PATTERN = 10000

local function matching(f)
    return function(text, pattern, ...)
        if type(pattern) == "string" and #pattern > LONGEST_PATTERN and not (f == outside.string.find and select(2, ...)) then
            error("pattern too complex", 2)
        end
        return f(text, pattern, ...)
    end
end

for _, name in ipairs({ "find", "match", "gmatch", "gsub" }) do
    strings[name] = matching(outside.string[name])
end
strings.gfind = nil

-- A coroutine inside of a coroutine takes native stack, too, and the interpreter does not count that.
local DEEPEST = 100
local depth = 0

local function surfaced(...)
    depth = depth - 1
    return ...
end

local coroutines = copied(outside.coroutine)

function coroutines.resume(co, ...)
    if depth >= DEEPEST then
        return false, "C stack overflow"
    end
    depth = depth + 1
    return surfaced(resume(co, ...))
end

local function unwrapped(ok, ...)
    depth = depth - 1
    if ok then
        return ...
    end
    error((...), 0)
end

function coroutines.wrap(f)
    local co = create(f)
    return function(...)
        if depth >= DEEPEST then
            error("C stack overflow", 2)
        end
        depth = depth + 1
        return unwrapped(resume(co, ...))
    end
end

maths.random = guarded({ random = host.random }).random
maths.randomseed = guarded({ randomseed = host.randomseed }).randomseed

globals.string = freeze_library(strings)
globals.table = freeze_library(tables)
globals.math = freeze_library(maths)
globals.coroutine = freeze_library(coroutines)
globals.os = freeze_library({ clock = host.clock })

local string_meta = getmetatable("")
string_meta.__index = strings
string_meta.__metatable = nothing

-- Our own functions have this chunk's environment, which scripts must not get hold of.
if deprecated then
    local function level_of(f)
        if type(f) == "number" then
            return f + 1
        end
        return f or 2
    end

    function globals.getfenv(f)
        local env = f == 0 and outside or getfenv(level_of(f))
        if env == outside then
            return globals._G
        end
        return env
    end

    function globals.setfenv(f, env)
        if f == 0 or getfenv(level_of(f)) == outside then
            error("'setfenv' cannot change environment of given object", 2)
        end
        local changed = setfenv(level_of(f), env)
        return changed
    end

    globals.newproxy = newproxy
end

-- The server's libraries -----------------------------------------------------------------------------------------------

for name, library in pairs(host.libraries) do
    local functions = guarded(library.functions)
    for key, value in pairs(library.constants) do
        functions[key] = value
    end
    globals[name] = freeze_library(functions)
end

-- Runs a command, or does what else needs the server, for the script that runs.
local ask = host.ask

local redis = copied(host.constants)

-- The server's functions take somewhat fewer arguments than functions of Lua: more of them come as a table.
local MOST_ARGUMENTS = 7900

function redis.call(...)
    local reply, failed
    if select("#", ...) > MOST_ARGUMENTS then
        reply, failed = ask(4, { ... })
    else
        reply, failed = ask(0, ...)
    end
    if failed then
        error(reply, 0)
    end
    return reply
end

function redis.pcall(...)
    if select("#", ...) > MOST_ARGUMENTS then
        return (ask(4, { ... }))
    end
    return (ask(0, ...))
end

local function asking(operation)
    return function(...)
        local reply, failed = ask(operation, ...)
        if failed then
            error(reply, 0)
        end
        return reply
    end
end

redis.setresp = asking(1)
redis.set_repl = asking(2)
redis.acl_check_cmd = asking(3)

local function checked(f)
    return function(...)
        local reply, failed = f(...)
        if failed then
            error(reply, 0)
        end
        return reply
    end
end

redis.log = checked(host.log)
redis.sha1hex = checked(host.sha1hex)
redis.error_reply = host.error_reply
redis.status_reply = host.status_reply

function redis.replicate_commands()
    return true
end

function redis.breakpoint()
    return false
end

function redis.debug() end

globals.redis = freeze_library(redis)

local shown = freeze_library({ __index = missing, __newindex = refuse })
local sandbox, sandbox_meta = freeze(globals, shown)
globals._G = sandbox

-- While a library is loaded ----------------------------------------------------------------------------------------------

-- What the library being loaded has registered so far.
local registered

local ARGUMENTS = { function_name = true, callback = true, description = true, flags = true }

local function named_arguments(given)
    given = frozen[given] or given
    for key in next, given do
        if type(key) ~= "string" then
            error("named argument key given to redis.register_function is not a string", 0)
        end
        if not ARGUMENTS[key] then
            error("unknown argument given to redis.register_function", 0)
        end
    end
    local name, callback = rawget(given, "function_name"), rawget(given, "callback")
    local description, flags = rawget(given, "description"), rawget(given, "flags")
    if name ~= nil and type(name) ~= "string" then
        error("function_name argument given to redis.register_function must be a string", 0)
    end
    if description ~= nil and type(description) ~= "string" then
        error("description argument given to redis.register_function must be a string", 0)
    end
    if callback ~= nil and type(callback) ~= "function" then
        error("callback argument given to redis.register_function must be a function", 0)
    end
    if flags ~= nil and type(flags) ~= "table" then
        error("flags argument to redis.register_function must be a table representing function flags", 0)
    end
    if name == nil then
        error("redis.register_function must get a function name argument", 0)
    end
    if callback == nil then
        error("redis.register_function must get a callback argument", 0)
    end
    return name, callback, description, flags
end

local function register_function(...)
    local count = select("#", ...)
    local name, callback = ...
    local description, flags
    if not registered then
        error("redis.register_function can only be called on FUNCTION LOAD command", 0)
    end
    if count < 1 or count > 2 then
        error("wrong number of arguments to redis.register_function", 0)
    end
    if count == 1 then
        if type(name) ~= "table" then
            error("calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).", 0)
        end
        name, callback, description, flags = named_arguments(name)
    else
        if type(name) ~= "string" then
            error("first argument to redis.register_function must be a string", 0)
        end
        if type(callback) ~= "function" then
            error("second argument to redis.register_function must be a function", 0)
        end
    end
    local bits, problem = host.check_function(name, flags)
    if not bits then
        error(problem, 0)
    end
    for _, other in ipairs(registered) do
        if other.name == name then
            error("Function already exists in the library", 0)
        end
    end
    registered[#registered + 1] =
        { name = name, callback = callback, description = description, flags = bits }
end

local loading_redis = strict(copied(host.constants))
loading_redis.register_function = register_function
loading_redis.log = redis.log
local loading_globals = strict({ redis = freeze_library(loading_redis) })

-- Running ----------------------------------------------------------------------------------------------------------------

-- Compiled scripts, or functions, each in the slot that the server knows it by.
local slots = {}

local current, first, second

local function trampoline()
    return current(first, second)
end

local entry = {}

function entry.put(slot, f)
    slots[slot] = f
end

function entry.run(slot, keys, argv, as_globals)
    keys, argv = keys or {}, argv or {}
    depth = 0
    current = slots[slot]
    if as_globals then
        globals.KEYS, globals.ARGV = keys, argv
    else
        first, second = keys, argv
    end
    local ok, reply = xpcall(trampoline, host.locate)
    current, first, second = nil, nil, nil
    globals.KEYS, globals.ARGV = nil, nil
    return ok, reply
end

function entry.load_library(chunk)
    registered = {}
    sandbox_meta.__index = loading_globals
    frozen[sandbox] = loading_globals
    local ok, problem = xpcall(chunk, host.locate)
    sandbox_meta.__index = globals
    frozen[sandbox] = globals
    local result = registered
    registered = nil
    if ok then
        return result
    end
    return nil, problem
end

entry.sandbox = sandbox

return entry
