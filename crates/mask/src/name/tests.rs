use proptest::prelude::*;

use super::*;

#[track_caller]
fn says(names: &[&str], meaning: Meaning) {
    for name in names {
        let found = Name::of(name.as_bytes()).and_then(Name::alone);
        assert_eq!(found, Some(meaning), "{name}");
    }
}

/// What names mean that say nothing by themselves: what they mean beside `names`.
#[track_caller]
fn says_beside(beside: &[&str], names: &[&str], meaning: Option<Meaning>) {
    let mut together = Beside::default();
    beside.iter().filter_map(|name| Name::of(name.as_bytes())).for_each(|name| together.add(name));
    for name in names {
        let name_of = Name::of(name.as_bytes()).unwrap_or_else(|| panic!("{name} may say something"));
        assert_eq!(name_of.alone(), None, "{name}");
        assert_eq!(together.settle(name_of), meaning, "{name} beside {beside:?}");
    }
}

#[test]
fn a_card_number_is_told_by_its_name_however_that_is_written() {
    let names = [
        "pan",
        "PAN",
        "Pan",
        "pan_1",
        "customer_pan",
        "customerPan",
        "customerPAN",
        "PANNumber",
        "d_pan",
        "dpan",
        "card_number",
        "cardNumber",
        "CardNumber",
        "CARD_NUMBER",
        "card-number",
        "card number",
        "cardnumber",
        "cardnumber2",
        "cardNo",
        "card_no",
        "card.number",
        "card[number]",
        "payment.card[number]",
        "cc_num",
        "ccNum",
        "CCNUMBER",
        "cc_number_2",
        "credit_card",
        "creditCardNumber",
        "creditcardnumber",
        "debit-card-number",
        "primary_account_number",
        "PrimaryAccountNumber",
        "card_account_number",
        "Kartennummer",
        "kreditkarten_nummer",
        "numéro de carte",
        "numero_de_tarjeta",
        "número_do_cartão",
        "numeroCartao",
        "numero_carta",
        "kaartnummer",
        "kortnummer",
        "numer_karty",
        "číslo_karty",
        "номер_карты",
        "НомерКарты",
        "カード番号",
        "卡号",
        "银行卡号",
        "카드번호",
        "kart_numarası",
        "old_card_numbers",
        "$.customer.cardNumber",
    ];
    says(&names, Meaning::Pan);
}

#[test]
fn a_card_code_is_told_by_a_name_that_means_nothing_else() {
    let names = [
        "cvv",
        "CVV",
        "cvv2",
        "CVV2",
        "cvv_2",
        "card_cvv",
        "cardCvv",
        "cardCVV",
        "CVVCode",
        "cvvCode",
        "cvv_code",
        "cvvcode",
        "cvc",
        "cvc2",
        "CVC2",
        "cc_cvc",
        "cvn2",
        "CVN2",
        "cav2",
        "cvp2",
        "icvv",
        "customer_cvv",
        "payment[cvv]",
        "card.cvc",
        "card_verification_value",
        "cardVerificationCode",
        "card_security_code",
        "cardSecurityCode",
        "CardSecurity",
        "card_verif_cvv",
        "Kartenprüfnummer",
        "kartenpruefnummer",
        "cryptogramme_visuel",
        "card_number_cvv",
    ];
    says(&names, Meaning::CardCode);
}

#[test]
fn pin_blocks_and_tracks_are_told_by_their_names() {
    says(
        &["pin_block", "pinBlock", "PINBlock", "pinblk", "PIN_BLK", "encrypted_pin", "de_52", "DE52"],
        Meaning::PinBlock,
    );
    says(
        &["track1", "track_2", "Track2Data", "track_data", "magstripe", "magnetic_stripe", "DE35"],
        Meaning::Track,
    );
}

#[test]
fn what_stands_with_a_card_is_told_too() {
    says(
        &["cardholder", "card_holder_name", "cardholderName", "nameOnCard", "Karteninhaber"],
        Meaning::CardholderName,
    );
    says(
        &["exp_month", "expYear", "valid_thru", "card_expiry", "cardExpirationDate", "cc_exp", "exp_mm_yy"],
        Meaning::Expiry,
    );
    says(
        &[
            "card_brand",
            "cardType",
            "card_network",
            "card_bin",
            "cc_type",
            "masked_card_number",
            "pan_hash",
            "card_number_last_4",
            "card_last4",
            "pan_token",
        ],
        Meaning::Detail,
    );
    says(&["card", "Cards", "payment_card"], Meaning::Card);
}

#[test]
fn a_name_that_holds_such_letters_in_other_words_says_nothing() {
    let names = [
        "",
        "_",
        "1",
        "id",
        "name",
        "number",
        "companion",
        "company",
        "pinned",
        "is_pinned",
        "incident",
        "incident_id",
        "pingback",
        "ping",
        "span_id",
        "spanId",
        "spanID",
        "acid",
        "acid_test",
        "japan",
        "panel",
        "panel_id",
        "span",
        "expand",
        "pandas",
        "pancake",
        "lifespan",
        "timespan",
        "wingspan",
        "spanner",
        "pane",
        "window_pane",
        "panic",
        "panicked",
        "panorama",
        "campaign",
        "pangram",
        "pant",
        "pans_labyrinth_id",
        "opinion",
        "pinterest",
        "pin_code_of_area",
        "pinout",
        "gpio_pin",
        "pinion",
        "spin",
        "spinner",
        "pineapple",
        "pin_count",
        "pin_map",
        "user_pin_hint",
        "cidr",
        "cidr_block",
        "placid",
        "lucid",
        "ccid",
        "cids",
        "bucid",
        "decide",
        "decided_at",
        "suicide",
        "customer_cid",
        "cvs",
        "cvs_root",
        "csv",
        "cv",
        "cv_url",
        "cvt",
        "civic",
        "csc_region",
        "cscope",
        "discs",
        "desc",
        "description",
        "cave",
        "cavern",
        "cavity",
        "excavated",
        "cvename",
        "receive",
        "received_at",
        "cve_id",
        "country_code",
        "countryCode",
        "status_code",
        "error_code",
        "zip_code",
        "zipcode",
        "postal_code",
        "postcode",
        "codec",
        "codes",
        "code_point",
        "barcode",
        "qr_code",
        "encode",
        "decoder",
        "promo_code",
        "currency_code",
        "language_code",
        "sort_code",
        "two_factor_code",
        "track",
        "track_id",
        "tracking_number",
        "tracker",
        "soundtrack",
        "trackpad",
        "tracked_at",
        "backtrack",
        "card_id",
        "cardId",
        "credit_card_id",
        "card_count",
        "cardinality",
        "cardinal",
        "cardiac",
        "cardboard",
        "cardigan",
        "discard",
        "discarded",
        "wildcard",
        "postcard",
        "scorecard",
        "dashboard_card",
        "vcard",
        "card_title",
        "card_width",
        "cardiology",
        "flashcard_id",
        "business_card",
        "loyalty_card",
        "smartcard_reader",
        "simcard",
        "sd_card_size",
        "carder",
        "scan",
        "scan_id",
        "scanned",
        "cc",
        "cc_emails",
        "bcc",
        "account",
        "accounting",
        "occasion",
        "cvv_result",
        "cvvResult",
        "cvv_result_code_status",
        "has_cvv",
        "cvv_required",
        "cvc_check",
        "cvv_match",
        "is_pan",
        "pan_id",
        "pan_tilt",
        "pan_status",
        "panTiltZoom",
        "pin_block_format",
        "pin_block_key",
        "card_number_valid",
        "card_number_id",
        "card_number_error",
        "expires",
        "expires_at",
        "expires_in",
        "expired",
        "expression",
        "experience",
        "export",
        "exponent",
        "expense",
        "exp_id",
        "express",
        "validated_through",
        "valid",
        "good",
        "trust",
        "binary",
        "bin",
        "bins",
        "binding",
        "bin_location",
        "robin",
        "holder",
        "stakeholder",
        "placeholder",
        "shareholder_name",
        "account_holder_id",
        "username",
        "brand",
        "type",
        "issuer",
        "iss",
        "network",
        "scheme",
        "sha",
        "hash",
        "token",
        "last4",
        "last_four",
        "first6",
        "de",
        "de1",
        "side52",
        "node52",
        "node_35x",
        "de5",
        "code52x",
        "security",
        "security_group",
        "verification",
        "verified",
        "verify_token",
        "pruf",
        "nummer",
        "carte",
        "carte_grise",
        "karte",
        "landkarte",
        "tarjeta_verde",
        "numero",
        "kart",
        "go_kart_id",
        "kort",
        "номер",
        "карта",
        "卡",
        "银行",
        "trace_id",
        "order_number",
        "invoice_no",
        "quantity",
        "request_id",
        "merchant_id",
        "terminal_id",
        "auth_code",
        "rrn",
        "stan",
        "mcc",
        "mti",
        "emv_aid",
        "arqc",
        "cavv",
        "eci",
        "avs_result",
        "three_ds_version",
        "iban",
        "bic",
        "swift",
        "routing",
        "sequence",
    ];
    for name in names {
        let found = Name::of(name.as_bytes());
        assert!(found.is_none(), "{name}: {found:?}");
    }
}

#[test]
fn a_name_that_may_mean_a_code_or_a_pin_means_it_beside_card_data_only() {
    let codes =
        ["security_code", "securityCode", "csc", "cvn", "cardCode", "verification_value", "Sicherheitscode"];
    for beside in
        [&["card_number"][..], &["exp_month", "exp_year"], &["cardholder"], &["cvv"], &["card", "expiry"]]
    {
        says_beside(beside, &codes, Some(Meaning::CardCode));
        says_beside(beside, &["pin", "PIN", "card_pin", "pinNumber"], Some(Meaning::Pin));
    }
    for beside in
        [&[][..], &["id", "email"], &["expiry"], &["card_brand"], &["card"], &["expires_at", "user"]]
    {
        says_beside(beside, &codes, None);
        says_beside(beside, &["pin", "atm_pin"], None);
    }
}

#[test]
fn a_name_that_means_much_else_needs_a_whole_card_beside_it() {
    let codes = ["code", "cid", "CID", "cve", "verificationCode"];
    for beside in [&["number", "card_number", "expiry"][..], &["pan", "exp_month"], &["ccnum", "nameOnCard"]]
    {
        says_beside(beside, &codes, Some(Meaning::CardCode));
    }
    for beside in
        [&["card_number"][..], &["expiry"], &["card", "expiry"], &["cardholder", "expiry"], &["cvv"]]
    {
        says_beside(beside, &codes, None);
    }
}

#[test]
fn what_is_sensitive_is_told_by_its_form() {
    for (meaning, sad, other) in [
        (
            Meaning::CardCode,
            &["123", "1234", " 007 ", "000"][..],
            &["", "12", "12345", "M", "12a", "***", "1.5", "-12"][..],
        ),
        (Meaning::Pin, &["1234", "0123456789abcdef"], &["123", "560001", "****", "", "1a2b"]),
        (
            Meaning::PinBlock,
            &[
                "0123456789ABCDEF",
                "0x0412ac89abcdef67",
                "\\x0412ac89abcdef67",
                "00112233445566778899aabbccddeeff",
            ],
            &["1234", "0000000000000000", "ffffffffffffffff", "0123456789abcde", "0123456789abcdeg", "****"],
        ),
        (
            Meaning::Track,
            &[
                ";4111111111111112=29121010000?",
                "4111111111111112D29121010000",
                "%B4111111111111112^A/B^2912101?",
            ],
            &["4111111111111111", "1", "Hey Jude", "4111111111111112=", "encrypted"],
        ),
        (Meaning::Pan, &[], &["123", "4111111111111111"]),
    ] {
        sad.iter().for_each(|value| assert!(meaning.is_sad(value.as_bytes()), "{meaning:?} {value}"));
        other.iter().for_each(|value| assert!(!meaning.is_sad(value.as_bytes()), "{meaning:?} {value}"));
    }
}

#[test]
fn an_expiry_as_on_cards_is_known() {
    let all = ["12/29", "01/2030", "12 / 29", "12-29", "1229", " 0930 "];
    all.iter().for_each(|value| assert!(is_card_expiry(value.as_bytes()), "{value}"));
    let none = ["", "13/29", "00/29", "2029-12-01", "12/29/30", "12", "1/29", "2029", "12/2", "12/1999"];
    none.iter().for_each(|value| assert!(!is_card_expiry(value.as_bytes()), "{value}"));
}

#[test]
fn an_issuers_number_needs_no_right_check_digit_but_all_its_digits() {
    for value in ["4111111111111112", "4111 1111 1111 1112", "8600-1234-5678-9012", "50000000001"] {
        assert_eq!(is_issuers(value.as_bytes()), value.len() > 12, "{value}");
    }
    for value in [
        "",
        "tok_4111111111111112",
        "************1112",
        "9912345678901234",
        "4444444444444444",
        "41111111111111123333",
    ] {
        assert!(!is_issuers(value.as_bytes()), "{value}");
    }
}

#[test]
fn every_known_word_is_written_as_names_are_read() {
    for known in known::all() {
        let words = Words::read(known.word.as_bytes());
        assert!(words.starts().next() == Some(0) && words.has(known.word, 0), "{}", known.word);
        assert!(words.is_end(known.word.len()), "{}", known.word);
    }
}

#[test]
fn the_words_at_the_end_of_a_text_are_known_as_in_a_name() {
    for known in known::all() {
        for text in [known.word.to_owned(), format!("my {}", known.word), format!("{} 2", known.word)] {
            let name = Name::at_end_of(text.as_bytes());
            assert_eq!(name.is_some(), known.meaning.may_be_sad(), "{text}");
        }
        let meaning = Name::at_end_of(format!("{} of it", known.word).as_bytes());
        assert!(meaning.is_none(), "{}", known.word);
    }
    assert!(Name::at_end_of("Kartenprüfnummer".as_bytes()).is_some());
    assert!(Name::at_end_of(b"card code: c-v_v").is_some_and(|name| name.meaning() == Meaning::CardCode));
}

proptest! {
    #[test]
    fn how_a_name_is_written_does_not_matter(
        words in prop::sample::select(vec![
            vec!["card", "number"], vec!["cvv"], vec!["pin", "block"], vec!["card", "security", "code"],
            vec!["exp", "month"], vec!["primary", "account", "number"], vec!["cc", "num"],
        ]),
        around in prop::sample::select(vec!["", "customer", "old", "payment"]),
    ) {
        let first = |word: &str, upper: bool| {
            let (one, rest) = word.split_at(1);
            format!("{}{rest}", if upper { one.to_uppercase() } else { one.to_lowercase() })
        };
        let all: Vec<&str> = [around].into_iter().chain(words.iter().copied()).filter(|word| !word.is_empty()).collect();
        let snake = all.join("_");
        let pascal: String = all.iter().map(|word| first(word, true)).collect();
        let expected = Name::of(snake.as_bytes());
        prop_assert!(expected.is_some());
        for name in [
            all.join("-"), all.join(" "), all.join("."), snake.to_uppercase(), pascal.clone(),
            first(&pascal, false), format!("{snake}_2"), format!("$.a[0].{snake}"),
        ] {
            prop_assert_eq!(Name::of(name.as_bytes()), expected, "{}", name);
        }
    }

    #[test]
    fn letters_on_either_side_of_a_short_word_make_it_another(
        word in prop::sample::select(vec!["pan", "cvv", "cvc", "pin", "cid", "csc", "code", "card", "ccn"]),
        before in "[a-z]{1,4}",
        after in "[a-z]{1,4}",
    ) {
        let name = format!("{before}{word}{after}");
        // Unless it is a known word itself, as `dpan` is.
        prop_assume!(known::all().iter().all(|known| known.word != name));
        prop_assert!(Name::of(name.as_bytes()).is_none(), "{}", name);
    }

    #[test]
    fn any_bytes_are_a_name(name in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Name::of(&name);
        let _ = Name::at_end_of(&name);
    }
}
