//! Ordinary answers of an API, made up, and how many of their values are taken for a card number in disguise.

use super::*;
use crate::body::joined::leaves;

#[test]
fn of_ten_thousand_ordinary_values_each_disguise_takes_less_than_one() {
    let (mut values, mut changed) = (0, [[0; 11]; 2]);
    for seed in 0..ANSWERS {
        let mut answer = Answer(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let text = answer.text(seed);
        let told = Masker::new(Profile::Last4).json(text.as_bytes(), &[]);
        let text = told.map_or(text.into_bytes(), |told| told.bytes);
        values += count(&serde_json::from_slice(&text).unwrap());
        for (strict, changed) in [false, true].into_iter().zip(&mut changed) {
            for find in leaves::look(&care(strict), &text) {
                changed[find.disguise as usize] += find.masks.len();
            }
        }
    }
    println!("of {values} values in {ANSWERS} answers, ordinary and strict:");
    for (at, disguise) in DISGUISES.iter().enumerate() {
        println!("{disguise:?}: {} and {}", changed[0][at], changed[1][at]);
    }
    for (at, disguise) in DISGUISES.iter().enumerate() {
        assert!(changed[1][at] * 10_000 <= values, "{disguise:?} takes too many");
        assert!(changed[0][at] * 100_000 <= values, "{disguise:?} takes too many in ordinary care");
    }
    assert!(values > 40 * ANSWERS as usize);
}

const ANSWERS: u64 = 6_000;
const DISGUISES: [Disguise; 11] = [
    Disguise::Parts,
    Disguise::Beside,
    Disguise::Codes,
    Disguise::Radix,
    Disguise::Backwards,
    Disguise::Inside,
    Disguise::Signs,
    Disguise::Words,
    Disguise::Letters,
    Disguise::Number,
    Disguise::Packed,
];

fn count(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(values) => values.iter().map(count).sum(),
        serde_json::Value::Object(members) => members.values().map(count).sum(),
        _ => 1,
    }
}

struct Answer(u64);

impl Answer {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }

    /// A number of that many digits.
    fn digits(&mut self, count: u32) -> String {
        let mut digits = (self.below(9) + 1).to_string();
        for _ in 1..count {
            digits += &self.below(10).to_string();
        }
        digits
    }

    fn hex(&mut self, count: u32) -> String {
        (0..count).map(|_| char::from(b"0123456789abcdef"[self.below(16) as usize])).collect()
    }

    fn list(&mut self, count: u64, mut item: impl FnMut(&mut Self) -> String) -> String {
        let items: Vec<_> = (0..count).map(|_| item(self)).collect();
        format!("[{}]", items.join(","))
    }

    fn some(&mut self, from: u64, item: impl FnMut(&mut Self) -> String) -> String {
        let count = from + self.below(from + 1);
        self.list(count, item)
    }

    fn time(&mut self) -> String {
        let [day, hour, minute] = [28, 24, 60].map(|end| self.below(end));
        format!(
            "202{}-1{}-{:02}T{hour:02}:{minute:02}:0{}Z",
            self.below(7),
            self.below(3),
            day + 1,
            self.below(10)
        )
    }

    fn float(&mut self, whole: u64, places: u32) -> String {
        format!("{}.{}", self.below(whole), self.digits(places))
    }

    fn uuid(&mut self) -> String {
        [8, 4, 4, 4, 12].map(|count| self.hex(count)).join("-")
    }

    fn words(&mut self, count: u64) -> String {
        const WORDS: [&str; 16] = [
            "the", "order", "two", "was", "shipped", "one", "on", "Monday", "to", "Berlin", "and", "4",
            "more", "items", "in", "2024",
        ];
        (0..count).map(|_| WORDS[self.below(16) as usize]).collect::<Vec<_>>().join(" ")
    }

    fn text(&mut self, kind: u64) -> String {
        match kind % 25 {
            0 => {
                let items = self.some(5, |it| {
                    format!(
                        r#"{{"id":{},"node_id":"{}","name":"{}","stars":{},"forks":{},"size":{},"created_at":"{}","private":false,"score":{}}}"#,
                        it.digits(8), it.hex(20), it.words(1), it.below(5000), it.below(900), it.below(100_000), it.time(), it.float(2, 15)
                    )
                });
                format!(r#"{{"total_count":{},"items":{items}}}"#, self.below(1000))
            }
            1 => self.some(5, |it| {
                format!(
                    r#"{{"id":"{}","user_id":{},"email":"a{}@example.org","phone":"+49{}","mobile":"{}","zip":"{}","birth":"19{}-0{}-1{}"}}"#,
                    it.uuid(), it.digits(7), it.below(99), it.digits(10), it.digits(10), it.digits(5), it.digits(2), it.below(9) + 1, it.below(9)
                )
            }),
            2 => {
                let lines = self.some(3, |it| {
                    format!(
                        r#"{{"sku":"{}","ean":"{}","quantity":{},"price":{},"total":"{}","weight":{}}}"#,
                        it.digits(6), it.digits(13), it.below(20), it.below(90_000), it.float(900, 2), it.below(3000)
                    )
                });
                format!(
                    r#"{{"order":{},"number":"{}","created":17{},"updated":17{},"currency":"EUR","amount":{},"lines":{lines},"customer":{}}}"#,
                    self.digits(9), self.digits(10), self.digits(8), self.digits(8), self.below(1_000_000), self.digits(8)
                )
            }
            3 => {
                let values = self.list(64, |it| format!("{}0.0{}", if it.below(2) == 0 { "-" } else { "" }, it.digits(16)));
                format!(r#"{{"object":"list","data":[{{"object":"embedding","index":0,"embedding":{values}}}],"usage":{{"prompt_tokens":{},"total_tokens":{}}}}}"#, self.below(2000), self.below(2000))
            }
            4 => self.some(10, |it| format!(r#"{{"lat":{},"lon":{},"alt":{},"t":17{}}}"#, it.float(90, 7), it.float(180, 7), it.below(3000), it.digits(11))),
            5 => format!(r#"{{"years":{},"months":{},"values":{}}}"#, self.some(5, |it| (1990 + it.below(40)).to_string()), self.list(12, |it| it.below(12).to_string()), self.some(20, |it| it.below(10_000).to_string())),
            6 => {
                let items = self.some(8, |it| {
                    format!(
                        r#"{{"id":{0},"id_str":"{0}","user":{{"id":{1},"id_str":"{1}","followers":{2}}},"text":"{3}","retweets":{4},"lang":"en"}}"#,
                        format_args!("1{}", it.digits(18)), it.digits(9), it.below(100_000), it.words(12), it.below(500)
                    )
                });
                format!(r#"{{"data":{items},"meta":{{"next_token":"{}","result_count":10}}}}"#, self.hex(24))
            }
            7 => {
                self.some(10, |it| {
                    format!(r#"[17{},"{}","{}","{}","{}","{}",17{},"{}",{},"0"]"#, it.digits(11), it.float(70_000, 8), it.float(70_000, 8), it.float(70_000, 8), it.float(70_000, 8), it.float(900, 8), it.digits(11), it.float(9_000_000, 8), it.below(9000))
                })
            }
            8 => format!(r#"{{"ids":{},"next_cursor":{},"previous_cursor":0}}"#, self.some(20, |it| it.digits(8)), self.digits(18)),
            9 => format!(r#"{{"ids":{},"cursor":"{}"}}"#, self.some(10, |it| format!("\"{}\"", it.digits(10))), self.hex(32)),
            10 => {
                let spans = self.some(6, |it| {
                    format!(
                        r#"{{"traceID":"{}","spanID":"{}","startTime":17{},"duration":{},"startTimeUnixNano":"17{}","tags":[{{"key":"http.status_code","value":{}}}]}}"#,
                        it.hex(32), it.hex(16), it.digits(14), it.below(100_000), it.digits(17), 200 + it.below(300)
                    )
                });
                format!(r#"{{"data":[{{"spans":{spans}}}]}}"#)
            }
            11 => format!(r#"{{"w":{},"h":{},"pixels":{}}}"#, self.below(4000), self.below(4000), self.list(48, |it| it.below(256).to_string())),
            12 => {
                let messages = self.some(3, |it| {
                    format!(r#"{{"role":"user","content":[{{"type":"text","text":"{}"}},{{"type":"text","text":"{}"}}]}}"#, it.words(30), it.words(3))
                });
                format!(r#"{{"id":"chatcmpl-{}","created":17{},"model":"m","messages":{messages},"max_tokens":{}}}"#, self.hex(24), self.digits(8), self.below(4096))
            }
            13 => {
                let rows = self.some(8, |it| format!(r#"["{}",{},{},"{}",{}]"#, it.time(), it.below(1000), it.digits(8), it.words(2), it.float(100, 2)));
                format!(r#"{{"columns":["t","n","id","name","v"],"rows":{rows}}}"#)
            }
            14 => self.some(5, |it| {
                format!(
                    r#"{{"fbid":"{}","page":"{}","post":"{}_{}","likes":{},"shares":{}}}"#,
                    it.digits(15), it.digits(16), it.digits(15), it.digits(15), it.below(5000), it.below(300)
                )
            }),
            15 => format!(r#"{{"page":{},"per_page":50,"total":{},"pages":{},"items":{}}}"#, self.below(20), self.below(9999), self.below(200), self.some(5, |it| format!(r#"{{"isbn":"978{}","price":{},"rating":{},"votes":{}}}"#, it.digits(10), it.float(100, 2), it.float(5, 1), it.below(3000)))),
            16 => self.some(6, |it| format!(r#"{{"_id":"{}","v":{},"mac":"{}","ip":"10.{}.{}.7","port":{},"etag":"{}","rev":"{}"}}"#, it.hex(24), it.below(9), it.hex(12), it.below(256), it.below(256), it.below(65_536), it.hex(13), it.hex(16))),
            17 => self.some(6, |it| format!(r#"{{"account":"{}","branch":"{}","reference":"{}","amount":"{}","balance":{}}}"#, it.digits(8), it.digits(6), it.digits(12), it.float(5000, 2), it.below(10_000_000))),
            18 => format!(r#"{{"labels":{},"data":{}}}"#, self.list(7, |it| format!("\"{}\"", it.below(3000))), self.list(7, |it| it.digits(4))),
            19 => self.some(5, |it| format!(r#"{{"tracking":"1Z{}","carrier":"{}","parcel":"{}","postcode":"{}","house":"{}"}}"#, it.hex(16), it.digits(4), it.digits(14), it.digits(5), it.below(200))),
            20 => format!(r#"{{"matrix":{},"bbox":{}}}"#, self.list(4, |it| it.list(4, |it| it.below(100).to_string())), self.list(4, |it| it.float(180, 5))),
            21 => format!(r#"{{"offsets":{},"partition":{},"timestamp":17{}}}"#, self.some(6, |it| it.digits(7)), self.below(32), self.digits(11)),
            22 => self.some(8, |it| format!(r#"{{"ts":17{},"ms":{},"bytes":{},"rows":{},"pid":{},"message":"{}"}}"#, it.digits(8), it.below(5000), it.digits(7), it.below(1000), it.digits(5), it.words(10))),
            23 => self.some(5, |it| {
                format!(
                    r#"{{"urn":"urn:li:share:{}","gid":"gid://shop/Product/{}","invoice":"INV-2024{}","ref":"ord_{}","tx":"tx{}","ok":true}}"#,
                    it.digits(19), it.digits(13), it.digits(6), it.digits(12), it.digits(18)
                )
            }),
            _ => {
                let bytes = self.words(8);
                format!(r#"{{"type":"Buffer","data":{},"crc":{}}}"#, self.list(bytes.len() as u64, |it| (32 + it.below(95)).to_string()), self.digits(10))
            }
        }
    }
}
