//! Looking names up, without making anybody wait.

use redan_sentinel::Input;
use tokio::net::lookup_host;
use tokio::sync::mpsc::UnboundedSender;

/// Looks a name up in the background; the answer goes to `inbox`.
pub(super) fn look_up(name: String, inbox: UnboundedSender<Input>) {
    tokio::spawn(async move {
        // Any port will do.
        let found = lookup_host((name.as_str(), 0)).await.ok().and_then(|mut found| found.next());
        let ip = found.map(|addr| addr.ip().to_canonical().to_string());
        // Nobody listens any more when the process ends.
        let _ = inbox.send(Input::Resolved { name, ip });
    });
}
