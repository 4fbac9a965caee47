//! Edits of session descriptions.

/// Removes the candidates of the last ICE generation from a restart's offer; the new ones trickle.
pub(crate) fn without_candidates(sdp: &str) -> String {
    let obsolete =
        |line: &&str| !line.starts_with("a=candidate:") && !line.starts_with("a=end-of-candidates");
    sdp.split_inclusive('\n').filter(obsolete).collect()
}

/// Makes the media sections of an offer inactive.
///
/// The engine has no codec and declines them; but a section that announces a track without its sources, as
/// simulcast does, would fail the whole answer.
pub(crate) fn without_media(sdp: &str) -> String {
    let mut section = Section::Other;
    let mut changed = String::with_capacity(sdp.len());
    for line in sdp.split_inclusive('\n') {
        if line.starts_with("m=") {
            section = if line.starts_with("m=application") { Section::Other } else { Section::Media };
        }
        if section == Section::Media && line.starts_with("a=") {
            section = Section::Inactive;
            changed.push_str("a=inactive\r\n");
        }
        if section != Section::Inactive || !announces_media(line) {
            changed.push_str(line);
        }
    }
    changed
}

/// The kind of the section that a line belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Other,
    Media,
    Inactive,
}

fn announces_media(line: &str) -> bool {
    const TRACKS: [&str; 4] = ["a=msid:", "a=ssrc", "a=rid:", "a=simulcast:"];
    const DIRECTIONS: [&str; 4] = ["a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"];
    TRACKS.iter().any(|track| line.starts_with(track)) || DIRECTIONS.contains(&line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_sections_become_inactive_and_the_channel_stays() {
        let channel = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=sendrecv\r\na=mid:d\r\n";
        let video = "v=0\r\na=sendrecv\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\n";
        let tracks = "a=msid:camera v\r\na=ssrc:1 cname:c\r\na=rid:hi send\r\na=simulcast:send hi\r\n";
        let sdp = format!("{video}a=mid:v\r\na=sendonly\r\n{tracks}{channel}");
        let expected = format!("{video}a=inactive\r\na=mid:v\r\n{channel}");
        assert_eq!(without_media(&sdp), expected);
    }

    #[test]
    fn a_restart_offer_has_no_old_candidates() {
        let sdp = "v=0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=mid:0\r\na=end-of-candidates\r\n";
        assert_eq!(without_candidates(sdp), "v=0\r\na=mid:0\r\n");
    }
}
