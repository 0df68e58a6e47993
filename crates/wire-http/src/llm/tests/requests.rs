//! What a request asks, and what is masked in it and in answers that come whole.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

#[test]
fn paths_say_which_dialect_is_spoken() {
    let check = |path: &str, expected| assert_eq!(Dialect::at(path), expected, "{path}");
    check("/v1/chat/completions", Some((Dialect::OpenAi, Operation::Chat)));
    check("/chat/completions", Some((Dialect::OpenAi, Operation::Chat)));
    check(
        "/openai/deployments/cards/chat/completions?api-version=2024-10-21",
        Some((Dialect::OpenAi, Operation::Chat)),
    );
    check("/v1/responses", Some((Dialect::OpenAi, Operation::Chat)));
    check("/v1/completions", Some((Dialect::OpenAi, Operation::Complete)));
    check("/v1/embeddings", Some((Dialect::OpenAi, Operation::Embed)));
    check("/v1/files", Some((Dialect::OpenAi, Operation::File)));
    check("/v1/files/file-1/content", Some((Dialect::OpenAi, Operation::File)));
    check("/v1/messages", Some((Dialect::Anthropic, Operation::Chat)));
    check("/v1/messages/count_tokens", Some((Dialect::Anthropic, Operation::Count)));
    check("/api/chat", Some((Dialect::Ollama, Operation::Chat)));
    check("/api/generate", Some((Dialect::Ollama, Operation::Complete)));
    check("/api/embed", Some((Dialect::Ollama, Operation::Embed)));
    check("/v1beta/models/gemini-2.5-flash:generateContent", Some((Dialect::Gemini, Operation::Chat)));
    check(
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        Some((Dialect::Gemini, Operation::Chat)),
    );
    check("/v1/threads/t/messages", None);
    check("/v1/models", None);
    check("/", None);
}

#[test]
fn facts_are_read_from_a_chat_completion() {
    let body = r#"{"model":"gpt-4.1","stream":true,"max_completion_tokens":500,"max_tokens":20,
        "tools":[{"type":"function","function":{"name":"charge","parameters":{}}},{"type":"web_search"}],
        "messages":[{"role":"user","content":"hi"},
            {"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"refund","arguments":"{}"}}]},
            {"role":"tool","tool_call_id":"c","content":"done"}]}"#;
    let told = prompt(Dialect::OpenAi, "/v1/chat/completions", body.as_bytes()).unwrap();
    assert_eq!(
        told,
        Prompt {
            operation: Operation::Chat,
            model: Some("gpt-4.1".into()),
            stream: true,
            max_tokens: Some(500),
            tools: vec!["charge".into(), "web_search".into()],
            tool_calls: vec!["refund".into()],
            holds_cards: false,
        }
    );
}

#[test]
fn facts_are_read_from_every_dialect() {
    let check = |dialect, path: &str, body: &str, expected: (&str, bool, Option<u64>, &str, &str)| {
        let told = prompt(dialect, path, body.as_bytes()).unwrap();
        let (tools, calls) = (told.tools.join(","), told.tool_calls.join(","));
        let model = told.model.unwrap_or_default();
        assert_eq!((&*model, told.stream, told.max_tokens, &*tools, &*calls), expected, "{body}");
    };
    check(
        Dialect::OpenAi,
        "/v1/responses",
        r#"{"model":"o3","max_output_tokens":9,"input":[{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}],"tools":[{"type":"function","name":"g"},{"type":"mcp","server_label":"s"}]}"#,
        ("o3", false, Some(9), "g,s", "f"),
    );
    check(
        Dialect::Anthropic,
        "/v1/messages",
        r#"{"model":"claude","max_tokens":64,"stream":true,"tools":[{"name":"a","input_schema":{}}],"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"b","input":{}}]}]}"#,
        ("claude", true, Some(64), "a", "b"),
    );
    check(
        Dialect::Ollama,
        "/api/chat",
        r#"{"model":"llama3.2","messages":[],"options":{"num_predict":5}}"#,
        ("llama3.2", true, Some(5), "", ""),
    );
    check(
        Dialect::Ollama,
        "/api/generate",
        r#"{"model":"llama3.2","stream":false,"options":{"num_predict":-1}}"#,
        ("llama3.2", false, None, "", ""),
    );
    check(
        Dialect::Gemini,
        "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
        r#"{"contents":[{"parts":[{"functionCall":{"name":"f","args":{}}}]}],"tools":[{"functionDeclarations":[{"name":"f"},{"name":"g"}]},{"googleSearch":{}}],"generationConfig":{"maxOutputTokens":7}}"#,
        ("gemini-2.5-pro", true, Some(7), "f,g,googleSearch", "f"),
    );
    check(
        Dialect::OpenAi,
        "/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21",
        r#"{"messages":[],"model":"ignored"}"#,
        ("my-gpt", false, None, "", ""),
    );
}

#[test]
fn what_could_be_read_in_two_ways_is_no_prompt() {
    let check = |body: &str, expected| {
        assert_eq!(prompt(Dialect::OpenAi, "/v1/chat/completions", body.as_bytes()), Err(expected), "{body}");
    };
    let twice = NotAPrompt::Ambiguous("a member comes twice");
    check(r#"{"model":"a","model":"b"}"#, twice);
    check(r#"{"model":"a","mod\u0065l":"b"}"#, twice);
    check(r#"{"messages":[{"role":"user","content":"a","content":"b"}]}"#, twice);
    check(r#"{"Model":"a"}"#, NotAPrompt::Ambiguous("a member differs in case from one that counts"));
    check(r#"{"model":"a","models":["b"]}"#, NotAPrompt::Ambiguous("several models are asked"));
    check(r#"{"model":7}"#, NotAPrompt::Wrong("model"));
    check(r#"{"stream":"true"}"#, NotAPrompt::Wrong("stream"));
    check(r#"{"max_tokens":1e9}"#, NotAPrompt::Wrong("max_tokens"));
    check("[]", NotAPrompt::NotJson);
    check("{", NotAPrompt::NotJson);
    check(&("[".repeat(200) + &"]".repeat(200)), NotAPrompt::NotJson);
    let other = prompt(Dialect::Anthropic, "/v1/chat/completions", b"{}");
    assert_eq!(other, Err(NotAPrompt::Ambiguous("the path is of another API")));
}

#[test]
fn cards_are_masked_wherever_a_prompt_holds_them_and_all_else_stays() {
    masks(
        r#"{ "messages" : [ {"role":"system","content":"caf\u00e9 4000056655665556"}, {"role":"tool","content":"{\"pan\":\"4000 0566 5566 5556\"}"} ] }"#,
        r#"{ "messages" : [ {"role":"system","content":"caf\u00e9 ************5556"}, {"role":"tool","content":"{\"pan\":\"**** **** **** 5556\"}"} ] }"#,
    );
    masks(
        r#"{"tools":[{"name":"t4111111111111111 x","description":"e.g. 4111111111111111"}],"metadata":{"4111111111111111":4111111111111111}}"#,
        r#"{"tools":[{"name":"t************1111 x","description":"e.g. ************1111"}],"metadata":{"************1111":"************1111"}}"#,
    );
    masks(
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"\u0034000056"},{"type":"text","text":"655665556"}]}]}"#,
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"*******"},{"type":"text","text":"*****5556"}]}]}"#,
    );
    stays(
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"in 2024"},{"type":"text","text":"5 men"}]}]}"#,
    );
}

#[test]
fn a_masked_prompt_is_tokenised_when_that_is_the_profile() {
    let key = Box::leak(Box::new(mask::TokenKey::new(&[7; 32])));
    let care = Care { masker: Masker::new(Profile::Tokenise(key)), ..care() };
    let body = |pan: &str| format!(r#"{{"messages":[{{"content":"{pan}"}},{{"content":"again {pan}"}}]}}"#);
    let told = mask_prompt(&care, Dialect::OpenAi, body("4000056655665556").as_bytes()).unwrap().unwrap();
    let told = String::from_utf8(told).unwrap();
    assert!(!told.contains("400005665566"), "{told}");
    let token = told.split('"').nth(5).unwrap();
    assert_eq!(told, body(token), "the same number has the same token");
}

#[test]
fn files_in_prompts_are_opened() {
    let file = |text: &str| STANDARD.encode(text);
    let (clear, masked) = (file("pan\n4000056655665556\n"), file("pan\n************5556\n"));
    for (before, after) in [
        (r#"{"image_url":{"url":"data:text/plain;base64,"#, r#""}}"#),
        (r#"{"image_url":{"url":"DATA:image/png;base64,"#, r#""}}"#),
        (r#"{"source":{"type":"base64","media_type":"text/csv","data":""#, r#""}}"#),
        (r#"{"inlineData":{"mimeType":"text/plain","data":""#, r#""}}"#),
        (r#"{"file":{"filename":"a.csv","file_data":""#, r#""}}"#),
    ] {
        masks(&format!("{before}{clear}{after}"), &format!("{before}{masked}{after}"));
        stays(&format!("{before}{}{after}", file("nothing in here")));
    }
    masks(r#"["data:,pan%20400%30056655665556%0a"]"#, r#"["data:,pan%20************5556%0A"]"#);
}

#[test]
fn files_that_are_no_text_pass_or_not_as_the_connection_says() {
    let body =
        format!(r#"{{"url":"data:image/png;base64,{}"}}"#, STANDARD.encode(b"\x89PNG\r\n\x1a\n\0\0\xff"));
    stays(&body);
    let refused = mask_prompt(&strict(), Dialect::OpenAi, body.as_bytes());
    assert_eq!(refused, Err(Withheld::NotUnderstood("a file in a prompt that is no text")));
    let scans = Care { opaque: Opaque::Scan, ..care() };
    let body = |inside: &[u8]| format!(r#"{{"url":"data:image/png;base64,{}"}}"#, STANDARD.encode(inside));
    let told = mask_prompt(&scans, Dialect::OpenAi, body(b"\x89PNG\0\xff 4000056655665556 \0").as_bytes());
    assert_eq!(told, Ok(Some(body(b"\x89PNG\0\xff ************5556 \0").into_bytes())));
}

#[test]
fn a_prompt_in_numbers_of_tokens_is_refused_where_all_must_be_understood() {
    let body = br#"{"model":"m","input":[[52,48,48]]}"#;
    assert_eq!(mask_prompt(&care(), Dialect::OpenAi, body), Ok(None));
    assert!(matches!(mask_prompt(&strict(), Dialect::OpenAi, body), Err(Withheld::NotUnderstood(_))));
}

#[test]
fn a_prompt_with_what_must_never_pass_is_withheld() {
    let sad = br#"{"messages":[{"content":";4111111111111111=29121010000000000?"}]}"#;
    assert_eq!(mask_prompt(&care(), Dialect::OpenAi, sad), Err(Withheld::Sad));
    let refuses = Care { refuses: true, ..care() };
    let card = br#"{"messages":[{"content":"4000056655665556"}]}"#;
    assert_eq!(mask_prompt(&refuses, Dialect::OpenAi, card), Err(Withheld::CardData));
    assert!(prompt(Dialect::OpenAi, "/v1/chat/completions", card).unwrap().holds_cards);
    assert!(matches!(mask_prompt(&care(), Dialect::OpenAi, b"{"), Err(Withheld::NotUnderstood(_))));
}

#[test]
fn numbers_in_disguise_are_masked_in_prompts_where_card_data_is_expected() {
    let body = br#"{"input":"four one one one one one one one one one one one one one one one"}"#;
    assert_eq!(mask_prompt(&care(), Dialect::OpenAi, body), Ok(None));
    let told = mask_prompt(&strict(), Dialect::OpenAi, body).unwrap().unwrap();
    assert_eq!(told, br#"{"input":"**** *** *** *** *** *** *** *** *** *** *** *** *** *** *** ***"}"#);
}

#[test]
fn numbers_taken_apart_over_a_prompt_are_masked_where_card_data_is_expected() {
    let body = r#"{"messages":[{"role":"user","content":"x"}],"metadata":{"parts":["4000","0566","5566","5556"]},"n":"6555665566500004"}"#;
    assert_eq!(mask_prompt(&care(), Dialect::OpenAi, body.as_bytes()), Ok(None));
    let told = String::from_utf8(mask_prompt(&strict(), Dialect::OpenAi, body.as_bytes()).unwrap().unwrap())
        .unwrap();
    assert!(!told.contains("4000") && !told.contains("65556655"), "{told}");
}

#[test]
fn an_answer_that_comes_whole_is_masked_with_what_spells_it_again() {
    let answer = r#"{"model":"m","choices":[{"index":0,"message":{"content":"4000056655665556"},"finish_reason":"stop","logprobs":{"content":[{"token":"4000","bytes":[52],"top_logprobs":[{"token":"4000"}]}]}}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#;
    let expected = r#"{"model":"m","choices":[{"index":0,"message":{"content":"************5556"},"finish_reason":"stop","logprobs":{"content":[{"token":"","bytes":[],"top_logprobs":[]}]}}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#;
    let (rewrite, seen) = open(&care(), "application/json");
    assert_eq!(run(rewrite, &[answer.as_bytes()]).unwrap(), expected);
    let facts = seen.facts();
    assert_eq!(facts.usage, Usage { input_tokens: Some(3), output_tokens: Some(4) });
    assert_eq!((facts.finish_reasons.join(","), facts.text), ("stop".into(), "************5556".into()));
    // Tokens alone, and parts of one message.
    let tokens = r#"{"choices":[{"logprobs":{"content":[{"token":"40000566"},{"token":"55665556"}]}}]}"#;
    let emptied = r#"{"choices":[{"logprobs":{"content":[{"token":""},{"token":""}]}}]}"#;
    assert_eq!(run(open(&care(), "application/json").0, &[tokens.as_bytes()]).unwrap(), emptied);
    let parts = r#"{"content":[{"type":"text","text":"40000566"},{"type":"text","text":"55665556"}]}"#;
    let joined = r#"{"content":[{"type":"text","text":"********"},{"type":"text","text":"****5556"}]}"#;
    assert_eq!(run(open(&care(), "application/json").0, &[parts.as_bytes()]).unwrap(), joined);
}

#[test]
fn a_clean_answer_stays_byte_for_byte() {
    let answer = "{ \"choices\" : [{\"message\":{\"content\":\"caf\\u00e9 \\/ 12\"},\"logprobs\":{\"content\":[{\"token\":\"c\",\"bytes\":[99]}]}}]}\n";
    assert_eq!(run(open(&care(), "application/json").0, &[answer.as_bytes()]).unwrap(), answer);
}

#[test]
fn the_conversation_is_told_for_the_record() {
    let body = r#"{"messages":[{"role":"user","content":"hello"},{"role":"assistant","content":[{"type":"text","text":"a"}]}]}"#;
    assert_eq!(conversation(body.as_bytes()), "\n# user\nhello\n# assistant\na");
}

#[test]
fn every_mutation_of_a_prompt_stays_json_and_is_masked_for_good() {
    let seeds = [
        r#"{"model":"m","stream":true,"messages":[{"role":"user","content":[{"type":"text","text":"40000566"},{"type":"text","text":"55665556"}]}],"tools":[{"function":{"name":"f"}}]}"#.to_owned(),
        r#"{"contents":[{"parts":[{"inlineData":{"mimeType":"text/plain","data":"NDAwMDA1NjY1NTY2NTU1Ng=="}},{"functionCall":{"name":"f"}}]}],"x":"data:text/plain,4000056655665556"}"#.to_owned(),
        r#"{"choices":[{"message":{"content":"four 4111111111111111"},"logprobs":{"content":[{"token":"4","bytes":[52]}]}}]}"#.to_owned(),
    ];
    mutate(&seeds, 150, |data| crate::llm::fuzz_prompt(data.get(1..).unwrap_or_default()));
}

fn masks(body: &str, expected: &str) {
    let told = mask_prompt(&care(), Dialect::OpenAi, body.as_bytes()).unwrap();
    assert_eq!(told.map(|told| String::from_utf8(told).unwrap()).as_deref(), Some(expected));
}

fn stays(body: &str) {
    assert_eq!(mask_prompt(&care(), Dialect::OpenAi, body.as_bytes()), Ok(None), "{body}");
}
