//! The frames that the server writes.

use serde::Serialize;

use crate::route::Route;

/// A frame from the server; keys come in the order in which the hosted service sends them.
#[derive(Debug, Serialize)]
#[serde(tag = "request")]
pub(crate) enum Reply<'a> {
    #[serde(rename = "offerSDP")]
    OfferSdp {
        #[serde(rename = "UUID")]
        viewer: Route,
    },
    #[serde(rename = "listing")]
    Listing(Listing),
    #[serde(rename = "transferred")]
    Transferred(Listing),
    #[serde(rename = "someonejoined")]
    SomeoneJoined {
        #[serde(rename = "UUID")]
        route: Route,
        #[serde(skip_serializing_if = "Option::is_none")]
        director: Option<bool>,
        #[serde(rename = "streamID", skip_serializing_if = "Option::is_none")]
        stream: Option<&'a str>,
    },
    #[serde(rename = "videoaddedtoroom")]
    VideoAddedToRoom {
        #[serde(rename = "UUID")]
        route: Route,
        #[serde(rename = "streamID")]
        stream: &'a str,
    },
    #[serde(rename = "alert")]
    Alert { message: &'a str },
    #[serde(rename = "error")]
    Error { message: &'a str },
}

/// The other members of a room.
#[derive(Debug, Serialize)]
pub(crate) struct Listing {
    pub(crate) list: Vec<ListingEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) director: Option<Route>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) claim: Option<bool>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ListingEntry {
    #[serde(rename = "UUID")]
    pub(crate) route: Route,
    #[serde(rename = "streamID", skip_serializing_if = "Option::is_none")]
    pub(crate) stream: Option<String>,
}

impl Reply<'_> {
    pub(crate) fn text(&self) -> String {
        // Strings, flags and lists of them always serialize.
        serde_json::to_string(self).unwrap_or_default()
    }
}
