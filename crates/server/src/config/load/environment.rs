//! `REDAN_<NAME>` variables as lines of a configuration file.

use crate::config::table;
use crate::config::words::Words;

const PREFIX: &str = "REDAN_";

/// The lines for the variables that name a parameter (`REDAN_MAXMEMORY_POLICY` for `maxmemory-policy`), sorted by name.
///
/// A variable that starts the same and names no parameter is only warned about. Kubernetes describes a service called
/// `redan` to every container by variables such as `REDAN_PORT=tcp://10.0.0.1:6379` and `REDAN_SERVICE_HOST`; these
/// are nobody's configuration and are passed over in silence.
pub(super) fn lines(variables: &[(String, String)], warnings: &mut Vec<String>) -> Vec<u8> {
    let mut sorted: Vec<_> = variables.iter().collect();
    sorted.sort();
    let mut lines = Vec::new();
    for (variable, value) in sorted {
        let Some(name) = variable.strip_prefix(PREFIX) else { continue };
        if is_service_link(name, value) {
            continue;
        }
        let name = name.to_ascii_lowercase().replace('_', "-");
        if table::position(&name).is_none() {
            warnings.push(format!("The environment variable {variable} names no configuration parameter"));
            continue;
        }
        if !lines.is_empty() {
            lines.push(b'\n');
        }
        lines.extend_from_slice(name.as_bytes());
        lines.push(b' ');
        lines.extend(Words::quote(value.as_bytes()));
    }
    lines
}

fn is_service_link(name: &str, value: &str) -> bool {
    let is_url = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    name.starts_with("SERVICE_")
        || (name.starts_with("PORT_") && name[5..].starts_with(|c: char| c.is_ascii_digit()))
        || (name == "PORT" && is_url)
}
