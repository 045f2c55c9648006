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
