//! The input of a translation as JSON: what the model of Envoy and the makers of requests read.

use amesh_xds::json::{Secrets, ViewError, from_wire};
use amesh_xds::schema;
use serde_json::Value;

use crate::look::text;

/// Why resources cannot be looked at.
#[derive(Debug, thiserror::Error)]
#[error("a resource of type {type_url}: {error}")]
pub struct MeshError {
    /// Its type.
    pub type_url: String,
    /// What is wrong.
    pub error: ViewError,
}

/// Resources in proto3 JSON with the field names of the .proto files.
#[derive(Clone, Debug, Default)]
pub struct Mesh {
    /// `envoy.config.listener.v3.Listener`
    pub listeners: Vec<Value>,
    /// `envoy.config.route.v3.RouteConfiguration`
    pub routes: Vec<Value>,
    /// `envoy.config.cluster.v3.Cluster`
    pub clusters: Vec<Value>,
    /// `envoy.config.endpoint.v3.ClusterLoadAssignment`
    pub endpoints: Vec<Value>,
}

impl Mesh {
    /// From encoded resources, each with its type URL. Types that play no part are left out.
    pub fn read<'a>(resources: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self, MeshError> {
        let mut mesh = Self::default();
        for (type_url, bytes) in resources {
            let name = type_url.rsplit('/').next().unwrap_or(type_url);
            let (Some(list), Some(message)) = (mesh.list(name), schema::message(name)) else { continue };
            let fail = |error| MeshError { type_url: type_url.to_owned(), error };
            list.push(from_wire(message, bytes, Secrets::Show).map_err(fail)?);
        }
        Ok(mesh)
    }

    fn list(&mut self, message: &str) -> Option<&mut Vec<Value>> {
        match message {
            "envoy.config.listener.v3.Listener" => Some(&mut self.listeners),
            "envoy.config.route.v3.RouteConfiguration" => Some(&mut self.routes),
            "envoy.config.cluster.v3.Cluster" => Some(&mut self.clusters),
            "envoy.config.endpoint.v3.ClusterLoadAssignment" => Some(&mut self.endpoints),
            _ => None,
        }
    }

    /// All resources, clusters first, each with its `@type`.
    pub(crate) fn resources(&self) -> Vec<Value> {
        let typed = |name: &'static str| {
            move |resource: &Value| {
                let mut resource = resource.clone();
                if let Some(fields) = resource.as_object_mut() {
                    fields.insert("@type".to_owned(), format!("type.googleapis.com/{name}").into());
                }
                resource
            }
        };
        let clusters = self.clusters.iter().map(typed("envoy.config.cluster.v3.Cluster"));
        let endpoints = self.endpoints.iter().map(typed("envoy.config.endpoint.v3.ClusterLoadAssignment"));
        let listeners = self.listeners.iter().map(typed("envoy.config.listener.v3.Listener"));
        let routes = self.routes.iter().map(typed("envoy.config.route.v3.RouteConfiguration"));
        clusters.chain(endpoints).chain(listeners).chain(routes).collect()
    }

    /// The route configuration of that name.
    pub(crate) fn route_configuration(&self, name: &str) -> Option<&Value> {
        self.routes.iter().find(|it| text(it, &["name"]) == Some(name))
    }
}
