//! Libraries of functions.

use crate::shebang::{Shebang, without};
use crate::vm::{LoadError, Registered, Vm};
use bytes::Bytes;
use redan_engine::{FunctionInfo, LibraryInfo, ReplyError, RestorePolicy, errors};
use std::collections::{BTreeMap, HashMap};

/// What is said of a name that is none.
pub(crate) const BAD_NAME: &str = "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long";

/// Whether a library or a function can have this name.
pub(crate) fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// What is kept for a library or a function besides its text, bytes, roughly: for INFO.
const OVERHEAD: u64 = 120;

struct Library {
    code: Bytes,
    functions: Vec<(FunctionInfo, u32)>,
}

/// A library that was run and not added yet.
struct Loaded {
    name: String,
    code: Bytes,
    functions: Vec<Registered>,
}

/// All libraries, by name, and their functions.
#[derive(Default)]
pub(crate) struct Libraries {
    libraries: BTreeMap<String, Library>,
    /// Slot and flags of each function, by its name in lower case.
    functions: HashMap<String, (u32, u32)>,
    free: Vec<u32>,
    slots: u32,
    bytes: u64,
}

impl Libraries {
    /// Slot and flags of a function.
    pub(crate) fn function(&self, name: &[u8]) -> Option<(u32, u32)> {
        let name = std::str::from_utf8(name).ok()?;
        if let Some(found) = self.functions.get(name) {
            return Some(*found);
        }
        self.functions.get(&name.to_ascii_lowercase()).copied()
    }

    /// Runs a library's source and adds it. Returns its name.
    pub(crate) fn load(&mut self, vm: &mut Vm, code: &[u8], replace: bool) -> Result<String, ReplyError> {
        let name = name_of(code)?;
        if !replace && self.libraries.contains_key(&name) {
            return Err(errors::err(format!("Library '{name}' already exists")));
        }
        let loaded = run(vm, name, code)?;
        self.check_names(&loaded, &[loaded.name.as_str()])?;
        self.remove(vm, &loaded.name);
        let name = loaded.name.clone();
        self.add(vm, loaded)?;
        Ok(name)
    }

    /// Runs several libraries and adds them, all or none. With [`RestorePolicy::Flush`] the caller has a new interpreter
    /// and nothing here.
    pub(crate) fn restore(
        &mut self,
        vm: &mut Vm,
        codes: &[Vec<u8>],
        policy: RestorePolicy,
    ) -> Result<(), ReplyError> {
        let mut loaded: Vec<Loaded> = Vec::with_capacity(codes.len());
        for code in codes {
            let name = name_of(code)?;
            let known = loaded.iter().any(|other| other.name == name)
                || (policy != RestorePolicy::Replace && self.libraries.contains_key(&name));
            if known {
                return Err(errors::err(format!("Library {name} already exists")));
            }
            loaded.push(run(vm, name, code)?);
        }
        let replaced: Vec<&str> = loaded.iter().map(|library| library.name.as_str()).collect();
        let mut names = Vec::new();
        for library in &loaded {
            self.check_names(library, &replaced)?;
            for function in &library.functions {
                let name = function.name.to_ascii_lowercase();
                if names.contains(&name) {
                    return Err(already_exists(&function.name));
                }
                names.push(name);
            }
        }
        for library in loaded {
            self.remove(vm, &library.name);
            self.add(vm, library)?;
        }
        Ok(())
    }

    /// Whether no library but the replaced ones has a function of these names.
    fn check_names(&self, loaded: &Loaded, replaced: &[&str]) -> Result<(), ReplyError> {
        for function in &loaded.functions {
            let name = function.name.to_ascii_lowercase();
            if self.functions.contains_key(&name) && !replaced.iter().any(|library| self.owns(library, &name))
            {
                return Err(already_exists(&function.name));
            }
        }
        Ok(())
    }

    fn owns(&self, library: &str, function: &str) -> bool {
        self.libraries.get(library).is_some_and(|library| {
            library.functions.iter().any(|(info, _)| info.name.eq_ignore_ascii_case(function))
        })
    }

    fn add(&mut self, vm: &Vm, loaded: Loaded) -> Result<(), ReplyError> {
        let mut functions = Vec::with_capacity(loaded.functions.len());
        for function in loaded.functions {
            let slot = self.free.pop().unwrap_or_else(|| {
                self.slots += 1;
                self.slots - 1
            });
            vm.put(slot, &function.callback).map_err(errors::err)?;
            self.functions.insert(function.name.to_ascii_lowercase(), (slot, function.flags));
            let description = function.description.map(Bytes::from);
            functions.push((FunctionInfo { name: function.name, description, flags: function.flags }, slot));
        }
        self.bytes += bytes_of(&loaded.code, functions.len());
        self.libraries.insert(loaded.name, Library { code: loaded.code, functions });
        Ok(())
    }

    /// Removes a library; false if there is none of this name.
    pub(crate) fn remove(&mut self, vm: &Vm, name: &str) -> bool {
        let Some(library) = self.libraries.remove(name) else { return false };
        self.bytes -= bytes_of(&library.code, library.functions.len());
        for (info, slot) in library.functions {
            self.functions.remove(&info.name.to_ascii_lowercase());
            vm.clear(slot);
            self.free.push(slot);
        }
        true
    }

    /// All libraries.
    pub(crate) fn list(&self) -> Vec<LibraryInfo> {
        let info = |(name, library): (&String, &Library)| LibraryInfo {
            name: name.clone(),
            code: library.code.clone(),
            functions: library.functions.iter().map(|(info, _)| info.clone()).collect(),
        };
        self.libraries.iter().map(info).collect()
    }

    /// How many libraries, how many functions, and what is kept of them, bytes.
    pub(crate) fn figures(&self) -> (u64, u64, u64) {
        (self.libraries.len() as u64, self.functions.len() as u64, self.bytes)
    }
}

fn bytes_of(code: &Bytes, functions: usize) -> u64 {
    code.len() as u64 + OVERHEAD * (1 + functions as u64)
}

fn already_exists(function: &str) -> ReplyError {
    errors::err(format!("Function {function} already exists"))
}

/// The name that a library's first line gives it.
fn name_of(code: &[u8]) -> Result<String, ReplyError> {
    let shebang = match Shebang::of(code) {
        Ok(Some(shebang)) if shebang.len < code.len() => shebang,
        Ok(None) => return Err(errors::err("Missing library metadata")),
        _ => return Err(errors::err("Invalid library metadata")),
    };
    let mut name = None;
    for word in &shebang.words {
        match word.strip_prefix(b"name=") {
            Some(_) if name.is_some() => {
                return Err(errors::err("Invalid metadata value, name argument was given multiple times"));
            }
            Some(given) => name = Some(given),
            None => {
                let word = String::from_utf8_lossy(word);
                return Err(errors::err(format!("Invalid metadata value given: {word}")));
            }
        }
    }
    let engine = String::from_utf8_lossy(&shebang.engine);
    let Some(name) = name else {
        if !engine.eq_ignore_ascii_case("lua") {
            return Err(errors::err(format!("Engine '{engine}' not found")));
        }
        return Err(errors::err("Library name was not given"));
    };
    if !is_name(name) {
        return Err(errors::err(BAD_NAME));
    }
    if !engine.eq_ignore_ascii_case("lua") {
        return Err(errors::err(format!("Engine '{engine}' not found")));
    }
    Ok(String::from_utf8_lossy(name).into_owned())
}

fn run(vm: &mut Vm, name: String, code: &[u8]) -> Result<Loaded, ReplyError> {
    let functions = vm.load_library(without(code)).map_err(|error| match error {
        LoadError::Compile(why) => errors::err(format!("Error compiling function: {why}")),
        LoadError::Run(why) => errors::err(format!("Error registering functions: {why}")),
    })?;
    if functions.is_empty() {
        return Err(errors::err("No functions registered"));
    }
    Ok(Loaded { name, code: Bytes::copy_from_slice(code), functions })
}
