//! Sessions of application protocols in committed captures: what the plugins say about them.
#![allow(clippy::unwrap_used)]

mod probe;

use probe::{committed, json, lines};
use serde_json::Value;

/// The records of a committed capture with a plugin, and of those about which it speaks the fields that begin with `prefix`.
fn told(capture: &str, plugin: &str, prefix: &str) -> (Vec<String>, Vec<Value>) {
    let ended = json(&committed(capture), &format!("-p {plugin} -s cache;fused"));
    ended.tables().assert_nothing_is_lost();
    let records = ended.records();
    let fields = |record: &Value| -> serde_json::Map<String, Value> {
        let all = record.as_object().unwrap().clone();
        all.into_iter().filter(|(name, _)| name.starts_with(prefix)).collect()
    };
    let said = records.iter().map(fields).filter(|fields| !fields.is_empty()).map(Value::Object).collect();
    (lines(&records), said)
}

#[test]
fn mqtt_is_seen_behind_a_handshake_and_ends_with_disconnect() {
    for (capture, packets) in [("mqtt-behind-a-handshake", "7/2"), ("mqtt-split-and-out-of-order", "8/2")] {
        let (records, said) = told(capture, "mqtt;tc=1", "MQTT_");
        assert_eq!(records.len(), 2, "{records:?}");
        assert!(records[0].contains(&format!(" {packets} packets")), "{records:?}");
        assert!(records[1].contains(" 2/1 packets"), "{records:?}");
        let expected = serde_json::json!({
            "MQTT_TYPE_CUMULATIVE": 1 << 1 | 1 << 2 | 1 << 3 | 1 << 8 | 1 << 14,
            "MQTT_VERSION": 4,
            "MQTT_CONNECTION_FLAGS": 2,
            "MQTT_KEEP_ALIVE": 60,
            "MQTT_CONNECTION_RETURN_CODE": 0,
            "MQTT_PUBLISH_FLAGS": 0,
            "MQTT_TOPICS": "house/kitchen/temperature#",
        });
        assert_eq!(said, [expected], "{capture}");
    }
}

#[test]
fn smtp_counts_pipelined_commands_and_finds_the_end_of_mail() {
    for capture in ["smtp-pipelined-and-split", "smtp-split-and-out-of-order"] {
        let (records, said) = told(capture, "smtp", "SMTP_");
        assert_eq!(records.len(), 1, "{records:?}");
        let expected = serde_json::json!({
            "SMTP_COMMAND_FLAGS": 0x41d,
            "SMTP_MAIL_CMD_COUNT": 1,
            "SMTP_RCPT_CMD_COUNT": 2,
            "SMTP_STAT_CODE_FLAGS": 0x4 | 0x8 | 0x10 | 0x80 | 0x4_0000,
            "SMTP_2XX_STAT_CODE_COUNT": 6,
            "SMTP_3XX_STAT_CODE_COUNT": 1,
            "SMTP_4XX_STAT_CODE_COUNT": 0,
            "SMTP_5XX_STAT_CODE_COUNT": 1,
            "SMTP_DOMAIN": "client.example.com",
            "SMTP_FIRST_SENDER": "<alice@example.com>",
            "SMTP_FIRST_RECIPIENT": "<bob@example.com>",
        });
        assert_eq!(said, [expected], "{capture}");
    }
}

#[test]
fn smtp_reads_nothing_behind_starttls() {
    let (_, said) = told("smtp-that-becomes-tls", "smtp", "SMTP_");
    assert_eq!(said[0]["SMTP_COMMAND_FLAGS"], 1);
    assert_eq!(said[0]["SMTP_STAT_CODE_FLAGS"], 0x4 | 0x10);
    assert_eq!(said[0]["SMTP_2XX_STAT_CODE_COUNT"], 3);
}

/// Message type, status and CSeq of what sip says.
fn messages(said: &[Value]) -> Vec<String> {
    let number = |fields: &Value, name: &str| fields[name].as_u64().unwrap();
    let message = |fields: &Value| {
        let cseq = fields["SIP_CSEQ"].as_str().unwrap();
        format!("{} {} {cseq}", number(fields, "SIP_MSG_TYPE"), number(fields, "SIP_STATUS_CODE"))
    };
    said.iter().map(message).collect()
}

#[test]
fn every_sip_message_in_a_datagram_is_a_record() {
    let (records, said) = told("sip-in-datagrams", "sip", "SIP_");
    assert_eq!(records.len(), 8, "{records:?}");
    assert_eq!(
        messages(&said),
        [
            "1 0 1 INVITE",
            "99 100 1 INVITE",
            "99 180 1 INVITE",
            "99 200 1 INVITE",
            "2 0 1 ACK",
            "13 0 2 MESSAGE",
            "13 0 2 MESSAGE"
        ]
    );
    let invite = serde_json::json!({
        "SIP_MSG_TYPE": 1,
        "SIP_STATUS_CODE": 0,
        "SIP_CSEQ": "1 INVITE",
        "SIP_CALLING_PARTY": "sip:alice@example.com",
        "SIP_CALLED_PARTY": "sip:bob@example.com;user=phone",
        "SIP_CALL_ID": "a84b4c76e66710@phone.example.com",
        "SIP_USER_AGENT": "phone/1 (test)",
        "SIP_REQUEST_URI": "sip:bob@example.com",
        "SIP_VIA": "SIP/2.0/TCP proxy.example.com;SIP/2.0/TCP phone.example.com:5060",
    });
    assert_eq!(said[0], invite);
}

#[test]
fn sip_messages_are_told_however_they_share_segments() {
    for capture in ["sip-messages-that-share-segments", "sip-messages-that-share-segments-out-of-order"] {
        let (_, said) = told(capture, "sip", "SIP_");
        assert_eq!(
            messages(&said),
            [
                "1 0 1 INVITE",
                "12 0 2 UPDATE",
                "4 0 3 BYE",
                "99 183 1 INVITE",
                "99 200 2 UPDATE",
                "99 200 3 BYE"
            ],
            "{capture}"
        );
        assert!(said.iter().all(|fields| fields["SIP_CALLED_PARTY"] == "sip:bob@example.com;user=phone"));
    }
}

#[test]
fn rtsp_messages_are_found_between_media() {
    for capture in ["rtsp-between-media", "rtsp-between-media-out-of-order"] {
        let (records, said) = told(capture, "rtsp", "RTSP_");
        assert_eq!(records.len(), 3, "{records:?}");
        let transaction = |method: &str, status: u16| {
            serde_json::json!({
                "RTSP_REQUEST_METHOD": method,
                "RTSP_REQUEST_AGENT": "player/1",
                "RTSP_REQUEST_URI": "rtsp://media.example.com/film",
                "RTSP_RESPONSE_STATUS_CODE": status,
                "RTSP_RESPONSE_SERVER": "streamer/2",
                "RTSP_RESPONSE_CONTENT_TYPE": "application/sdp",
            })
        };
        let expected =
            [transaction("DESCRIBE", 200), transaction("PLAY", 200), transaction("GET_PARAM", 451)];
        assert_eq!(said, expected, "{capture}");
    }
}
