//! The formats of services: what is posted where, and what an answer says. Pure.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::json;
use sha2::Sha256;
use url::Url;
use zeroize::Zeroizing;

use super::text::Message;
use super::{RobotSecrets, Service};
use crate::clock::Timestamp;
use crate::model::alerting::RobotSettings;

/// Longest messages that the services take, in bytes; `WeCom`'s robots count 2,048
/// for a text, the others some 20,000 for everything.
const MAX_WECOM: usize = 2_000;
const MAX_OTHERS: usize = 16_000;
/// Answers of services that say: not so fast.
const TOO_MANY: [i64; 4] = [130_101, 45_009, 11_232, 9_499];

/// A request.
pub(super) struct Post {
    pub(super) url: Zeroizing<String>,
    pub(super) body: Vec<u8>,
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Taken,
    TooMany(String),
    Refused(String),
}

/// The request that brings a message to a service.
pub(super) fn post(
    service: Service,
    robot: &RobotSettings,
    secrets: &RobotSecrets,
    message: &Message,
    now: Timestamp,
) -> Result<Post, &'static str> {
    let mut url = Url::parse(&secrets.url).map_err(|_| "its address is none")?;
    let keyword = match robot.keyword.as_str() {
        "" => String::new(),
        word => format!("{word} "),
    };
    let whole = format!("{keyword}{}\n\n{}", message.title, message.text);
    let body = match service {
        Service::Dingtalk => {
            if let Some(key) = &secrets.signing_key {
                let time = now.0.to_string();
                let sign = signature(key.as_bytes(), &format!("{time}\n{}", key.as_str()));
                url.query_pairs_mut()
                    .append_pair("timestamp", &time)
                    .append_pair("sign", &sign);
            }
            json!({
                "msgtype": "text",
                "text": {"content": cut(&whole, MAX_OTHERS)},
                "at": {"isAtAll": robot.at_all},
            })
        }
        Service::Feishu => {
            // What looks like a mark-up of its own calls people who are not meant.
            let text = cut(&whole.replace('<', "＜"), MAX_OTHERS);
            let call = if robot.at_all {
                "<at user_id=\"all\"></at>\n"
            } else {
                ""
            };
            let mut body = json!({
                "msg_type": "text",
                "content": {"text": format!("{call}{text}")},
            });
            if let (Some(key), Some(fields)) = (&secrets.signing_key, body.as_object_mut()) {
                let time = now.0.div_euclid(1_000).to_string();
                // Here the text is the key, and nothing is signed with it.
                let signed = Zeroizing::new(format!("{time}\n{}", key.as_str()));
                fields.insert("sign".to_owned(), signature(signed.as_bytes(), "").into());
                fields.insert("timestamp".to_owned(), time.into());
            }
            body
        }
        Service::WecomRobot => {
            let called: &[&str] = if robot.at_all { &["@all"] } else { &[] };
            json!({
                "msgtype": "text",
                "text": {"content": cut(&whole, MAX_WECOM), "mentioned_list": called},
            })
        }
        Service::Msteams => {
            let colour = if message.is_firing {
                "attention"
            } else {
                "good"
            };
            let block = |text: &str| json!({"type": "TextBlock", "text": text, "wrap": true});
            let mut title = block(&format!("{keyword}{}", message.title));
            title["weight"] = "bolder".into();
            title["color"] = colour.into();
            let mut body = vec![title];
            // A line break alone is none in a block.
            body.extend(
                cut(&message.text, MAX_OTHERS)
                    .lines()
                    .filter(|l| !l.is_empty())
                    .map(block),
            );
            json!({
                "type": "message",
                "attachments": [{
                    "contentType": "application/vnd.microsoft.card.adaptive",
                    "content": {
                        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                        "type": "AdaptiveCard",
                        "version": "1.4",
                        "body": body,
                    },
                }],
            })
        }
    };
    Ok(Post {
        url: Zeroizing::new(url.into()),
        body: body.to_string().into_bytes(),
    })
}

/// What the body of an answer with a good status says. Teams says nothing there.
pub(super) fn verdict(service: Service, body: &[u8]) -> Verdict {
    #[derive(Deserialize)]
    struct Said {
        #[serde(alias = "errcode", alias = "StatusCode")]
        code: i64,
        #[serde(default, alias = "errmsg", alias = "StatusMessage")]
        msg: String,
    }
    if service == Service::Msteams {
        return Verdict::Taken;
    }
    match serde_json::from_slice::<Said>(body) {
        Ok(Said { code: 0, .. }) => Verdict::Taken,
        Ok(Said { code, msg }) => {
            let msg: String = msg.chars().filter(|c| !c.is_control()).take(200).collect();
            let why = format!("{msg} (code {code})");
            match TOO_MANY.contains(&code) {
                true => Verdict::TooMany(why),
                false => Verdict::Refused(why),
            }
        }
        Err(_) => Verdict::Refused("it answers in another format than expected".to_owned()),
    }
}

fn signature(key: &[u8], text: &str) -> String {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key)
        .expect("a key of any length will do for this code");
    mac.update(text.as_bytes());
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

fn cut(text: &str, longest: usize) -> String {
    match text.len() > longest {
        false => text.to_owned(),
        true => format!("{}…", text.split_at(text.floor_char_boundary(longest)).0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(service: Service, key: Option<&str>) -> (String, serde_json::Value) {
        let robot = RobotSettings {
            at_all: service != Service::Msteams,
            keyword: "告警".to_owned(),
        };
        let secrets = RobotSecrets {
            url: Zeroizing::new("https://robot.example.org/send?access_token=t".to_owned()),
            signing_key: key.map(|key| Zeroizing::new(key.to_owned())),
        };
        let message = Message {
            title: "[FIRING:1] <at>".to_owned(),
            text: format!("one\n\n{}", "好".repeat(9_000)),
            is_firing: true,
        };
        let now = Timestamp(1_700_000_000_123);
        let post = post(service, &robot, &secrets, &message, now).unwrap();
        (
            post.url.to_string(),
            serde_json::from_slice(&post.body).unwrap(),
        )
    }

    #[test]
    fn each_service_gets_its_own_format() {
        let (url, body) = request(Service::Dingtalk, Some("SECabc"));
        // By Python: base64.b64encode(hmac.new(b"SECabc", b"1700000000123\nSECabc", "sha256").digest())
        assert!(
            url.ends_with(
                "&timestamp=1700000000123&sign=IqXBU%2FaLfwMA3S%2FtDcfRmHx5vWHw9Y1aOgFLBr1Ti9w%3D"
            ),
            "{url}"
        );
        assert_eq!(body["at"]["isAtAll"], true);
        assert!(
            body["text"]["content"]
                .as_str()
                .unwrap()
                .starts_with("告警 [FIRING:1] <at>")
        );

        let (url, body) = request(Service::Feishu, Some("SECabc"));
        assert!(url.ends_with("access_token=t"), "{url}");
        assert_eq!(body["timestamp"], "1700000000");
        // By Python: base64.b64encode(hmac.new(b"1700000000\nSECabc", b"", "sha256").digest())
        assert_eq!(body["sign"], "XprR1de+0SSBnwWyU/4k6x2TL+Q2SJlM5NNEdAv7MWg=");
        let text = body["content"]["text"].as_str().unwrap();
        assert!(
            text.starts_with("<at user_id=\"all\"></at>\n告警 [FIRING:1] ＜at>"),
            "{text}"
        );

        let (_, body) = request(Service::WecomRobot, None);
        assert_eq!(body["text"]["mentioned_list"], json!(["@all"]));
        assert!(body["text"]["content"].as_str().unwrap().len() <= 2_048);

        let (_, body) = request(Service::Msteams, None);
        let card = &body["attachments"][0]["content"];
        assert_eq!(card["body"][0]["color"], "attention");
        assert_eq!(card["body"][1]["text"], "one");
    }
}
