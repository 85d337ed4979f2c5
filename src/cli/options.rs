//! The translator's settings, from the command line.

use crate::args::OptionArgs;
use amesh_translator::{Limits, Options};

impl OptionArgs {
    /// For input of up to `max_size` MiB a message.
    pub(crate) fn options(&self, unbound_routes: bool, max_size: u64) -> Options {
        let message_bytes = usize::try_from(max_size.saturating_mul(1 << 20)).unwrap_or(usize::MAX);
        Options {
            instance: self.instance.clone(),
            listen_ports: (!self.listen_port.is_empty()).then(|| self.listen_port.clone()),
            unbound_routes,
            limits: Limits { message_bytes, ..Limits::default() },
        }
    }

    /// The same as the plugin's configuration, in mode none.
    pub(crate) fn configuration(&self, max_size: u64) -> serde_json::Value {
        let options = self.options(false, max_size);
        let mut configuration = serde_json::json!({
            "apply": "none",
            "instance": options.instance,
            "limits": {"message_bytes": options.limits.message_bytes},
        });
        if let (Some(ports), Some(object)) = (options.listen_ports, configuration.as_object_mut()) {
            object.insert("listen_ports".to_owned(), ports.into());
        }
        configuration
    }
}
