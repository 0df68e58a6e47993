use super::*;

#[test]
fn a_listing_is_read_as_it_is_written() {
    let text = "<ListBucketResult><Contents><Key>a/heads/1</Key></Contents><Contents><Key>a/heads/2</Key></Contents>\
                <NextContinuationToken>x&amp;y+z==</NextContinuationToken></ListBucketResult>";
    assert_eq!(elements(text, "Key").collect::<Vec<_>>(), ["a/heads/1", "a/heads/2"]);
    let token = elements(text, "NextContinuationToken").next().unwrap();
    assert_eq!(escaped(&unescaped(token)), "x%26y%2Bz%3D%3D");
    assert_eq!(elements("<Key>never ends", "Key").count(), 0);
}

#[test]
fn a_refusal_says_the_stores_word_and_nothing_else_of_its_answer() {
    let answer = |body: &'static str| Answer {
        status: StatusCode::FORBIDDEN,
        body: Bytes::from_static(body.as_bytes()),
    };
    let told =
        answer("<Error><Code>AccessDenied</Code><Message>key AKIA… \u{1b}[31m</Message></Error>").refused();
    assert_eq!(told.to_string(), "the store answers 403 AccessDenied");
    assert_eq!(answer("no XML").refused().to_string(), "the store answers 403");
}
