use super::*;

#[test]
fn every_requirement_is_well_formed_and_stands_once_and_in_order() {
    let map = Map::pci_dss().unwrap();
    assert_eq!(map.standard, "PCI DSS 4.0.1");
    let key = |number: &str| number.split('.').map(|part| part.parse::<u8>().unwrap()).collect::<Vec<_>>();
    for pair in map.requirements.windows(2) {
        assert!(key(pair[0].number) < key(pair[1].number), "{} {}", pair[0].number, pair[1].number);
    }
    for it in &map.requirements {
        assert!((2..=4).contains(&it.number.split('.').count()), "{}", it.number);
        assert!(!it.asks.is_empty() && !it.beyond.is_empty(), "{} leaves something unsaid", it.number);
        assert!(it.reports.is_empty() || !it.shows.is_empty(), "{} does not say what is shown", it.number);
    }
}

#[test]
fn every_report_is_for_some_requirement() {
    let map = Map::pci_dss().unwrap();
    for report in Report::ALL {
        assert!(!map.of(report).is_empty(), "{} is for nothing", report.name());
        assert_eq!(Report::named(report.name()), Some(report));
    }
}

#[test]
fn all_seven_kinds_of_events_of_10_2_1_are_shown() {
    let map = Map::pci_dss().unwrap();
    for part in 1..=7 {
        let number = format!("10.2.1.{part}");
        let it = map.requirements.iter().find(|it| it.number == number).unwrap();
        assert!(!it.reports.is_empty(), "{number}");
    }
}

#[test]
fn a_map_with_a_report_that_does_not_exist_is_none() {
    assert_eq!(Map::parse("# PCI DSS\t4.0.1\n1.1\ta\tnothing-like-it\tb\tc"), Err(BadLine(2)));
    assert_eq!(Map::parse("# PCI DSS\t4.0.1\n1.x\ta\taccess\tb\tc"), Err(BadLine(2)));
    assert_eq!(Map::parse("# PCI DSS\t4.0.1\n1.1\ta\taccess\tb"), Err(BadLine(2)));
    assert_eq!(Map::parse("PCI DSS"), Err(BadLine(1)));
}
