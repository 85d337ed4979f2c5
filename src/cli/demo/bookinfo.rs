//! The bundled mesh, as a control plane would hold it.

use amesh_fetcher::server::{Snapshot, SnapshotError};
use bytes::Bytes;

macro_rules! captured {
    ($state:literal) => {
        [
            include_bytes!(concat!("../../../examples/bookinfo/xds/sidecar/", $state, "/cds.pb")).as_slice(),
            include_bytes!(concat!("../../../examples/bookinfo/xds/sidecar/", $state, "/eds.pb")).as_slice(),
            include_bytes!(concat!("../../../examples/bookinfo/xds/sidecar/", $state, "/lds.pb")).as_slice(),
            include_bytes!(concat!("../../../examples/bookinfo/xds/sidecar/", $state, "/rds.pb")).as_slice(),
        ]
    };
}

/// Calls between services go to any version.
pub(super) fn before() -> Result<Snapshot, SnapshotError> {
    Snapshot::from_responses(captured!("before").map(Bytes::from_static))
}

/// They go to v1.
pub(super) fn after() -> Result<Snapshot, SnapshotError> {
    Snapshot::from_responses(captured!("after").map(Bytes::from_static))
}
