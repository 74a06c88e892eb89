//! Devices, as their account sees them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use hythe_model::{DeviceId, SpaceId};

use crate::text;

/// `GET /devices`: the devices of the caller's account, removed ones not among them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceList {
    /// The devices, oldest first.
    pub devices: Vec<DeviceView>,
}

/// One device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceView {
    /// Its id, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub id: DeviceId,
    /// The name its owner gave it.
    pub name: String,
    /// Operating system and processor.
    pub platform: String,
    /// Version of its software.
    pub version: String,
    /// Address it was last seen from, without port.
    pub address: Option<String>,
    /// Port it was last seen from.
    pub port: Option<u16>,
    /// When it was registered, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it was last seen, in milliseconds since 1970.
    pub last_seen_ms: Option<i64>,
    /// Its sync folders, as it last told.
    pub folders: Vec<DeviceFolder>,
    /// Whether it is the device that asks.
    pub current: bool,
}

/// A sync folder of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceFolder {
    /// The local directory, escaped for display.
    pub path: String,
    /// The space it mirrors, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub space: SpaceId,
}

/// `PATCH /devices/self`: what the calling device tells anew. What is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DevicePatch {
    /// A new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its sync folders, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folders: Option<Vec<DeviceFolder>>,
}
