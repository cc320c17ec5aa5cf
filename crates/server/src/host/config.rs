//! CONFIG SET and REWRITE.

use super::Server;
use crate::config::rewrite::{Rewrite, rewrite_file};
use crate::config::{SetContext, SetError};
use redan_engine::{CmdResult, ReplyError, condition};

impl Server {
    pub(super) fn set_config(&self, pairs: &[(&[u8], &[u8])], local_client: bool) -> CmdResult {
        let loading = self.engine.conditions().any(condition::LOADING | condition::ASYNC_LOADING);
        let context = SetContext { loading, local_client };
        self.config.set(pairs, context).map_err(|error: SetError| ReplyError::new(error.to_string()))
    }

    pub(super) fn rewrite_config(&self) -> CmdResult {
        let sentinel = self.sentinel.as_ref().map(crate::sentinel::Sentinel::config_lines);
        let settings = self.config.load();
        let users = self.user_lines();
        let what = Rewrite {
            settings: &settings,
            users: Some(&users),
            sentinel: sentinel.as_deref(),
            everything: self.info.rewrites_everything(),
        };
        match rewrite_file(self.config_file.as_deref(), &what) {
            Ok(()) => {
                tracing::info!("CONFIG REWRITE executed with success.");
                Ok(())
            }
            Err(error) => {
                tracing::warn!("CONFIG REWRITE failed: {error}");
                Err(ReplyError::new(error.to_string()))
            }
        }
    }
}
