//! The users where they live outside of memory: in the ACL file, or in `user` lines of the configuration file.

use super::Server;
use crate::config::load::RawLine;
use crate::config::rewrite::replace_file;
use crate::config::{os_text, rows};
use redan_engine::{Permissions, errors, load_acl_file, merge_selectors};
use std::io;
use std::path::{Path, PathBuf};

impl Server {
    /// `aclfile` as it is configured.
    pub(super) fn acl_file_name(&self) -> Option<String> {
        let settings = self.config.load();
        let name = settings.get(rows::ACLFILE);
        (!name.is_empty()).then(|| name.to_owned())
    }

    fn acl_path(&self) -> PathBuf {
        Path::new(self.config.load().get(rows::DIR)).join(self.acl_file_name().unwrap_or_default())
    }

    pub(super) fn read_acl(&self) -> Result<Vec<u8>, String> {
        let failed = |error: io::Error| {
            let name = self.acl_file_name().unwrap_or_default();
            format!("Error loading ACLs, opening file '{name}': {}", os_text(&error))
        };
        std::fs::read(self.acl_path()).map_err(failed)
    }

    pub(super) fn write_acl(&self, text: &[u8]) -> bool {
        let written = replace_file(&self.acl_path(), text);
        if let Err(error) = &written {
            tracing::warn!("Writing ACL file for ACL SAVE: {}", os_text(error));
        }
        written.is_ok()
    }

    /// The `user` lines of the configuration file: none if there is an ACL file.
    pub(crate) fn user_lines(&self) -> Vec<Vec<u8>> {
        if self.acl_file_name().is_some() { Vec::new() } else { self.engine.users().lines() }
    }

    /// Makes the users that the configuration names, or those of the ACL file. Nothing runs yet.
    ///
    /// # Errors
    /// Why the server must not start.
    pub(crate) fn load_users(&self, lines: &[RawLine]) -> Result<(), String> {
        let Some(file) = self.acl_file_name() else { return self.load_configured_users(lines) };
        if !lines.is_empty() {
            return Err("Configuring Redis with users defined in redis.conf and at the same setting an ACL file path \
                        is invalid. This setup is very likely to lead to configuration errors and security holes, \
                        please define either an ACL file or declare users directly in your redis.conf, but not both."
                .to_owned());
        }
        let scope = self.engine.users().scope(self.engine.table());
        let users = self.read_acl().and_then(|text| load_acl_file(&file, &text, scope));
        let users =
            users.map_err(|error| format!("Aborting Redis startup because of ACL errors: {error}"))?;
        self.engine.replace_users(users, None);
        Ok(())
    }

    /// A default user that no line names stays what `requirepass` has made of it.
    fn load_configured_users(&self, lines: &[RawLine]) -> Result<(), String> {
        let users = self.engine.users();
        let scope = users.scope(self.engine.table());
        let default = users.default_user();
        let mut all = vec![(default.name().to_vec(), Permissions::clone(&default.permissions()))];
        for line in lines {
            let (name, mut permissions) = (&line.words[0], Permissions::new(scope));
            let shown = String::from_utf8_lossy(name).into_owned();
            let rules = merge_selectors(line.words[1..].iter().map(Vec::as_slice)).unwrap_or_default();
            for rule in rules {
                permissions.apply(&rule, scope).map_err(|error| {
                    let (rule, reason) = (String::from_utf8_lossy(&rule), errors::acl_rule(error));
                    format!("Error loading ACL rule '{rule}' for the user named '{shown}': {reason}")
                })?;
            }
            if !permissions.is_enabled() {
                tracing::info!(
                    "The user '{shown}' is disabled (there is no 'on' modifier in the user description). Make sure this \
                     is not a configuration error."
                );
            }
            all.push((name.clone(), permissions));
        }
        self.engine.replace_users(all, None);
        Ok(())
    }
}
