//! One record's way across the desk: it arrives while the inbox is open, is settled, returned, answered, approved,
//! changed by work that was late, printed and counted.

use sokiem_tests::demo::setup::PASSWORD;

use super::{
    Browser, Page,
    scene::{District, set},
};

/// Widths that pages are looked at in: a desk computer, a tablet, a phone.
const WIDTHS: [u32; 3] = [1440, 768, 390];

/// Nothing went wrong on the page, it fits into every window, and nobody is shut out of it.
fn inspect(page: &Page) {
    page.expect_no_faults();
    for width in WIDTHS {
        page.resize(width);
        assert_eq!(page.overflow(), [""; 0], "{} at {width}", page.url());
        let barriers = page.barriers();
        assert!(
            barriers.is_empty(),
            "{} at {width}:\n{}",
            page.url(),
            barriers.join("\n")
        );
    }
    page.resize(WIDTHS[0]);
    page.expect_no_faults();
}

/// Pictures of what is in the window, in every width; `at` is scrolled to the top first.
fn pictures(page: &Page, name: &str, at: Option<&str>) {
    for width in WIDTHS {
        page.resize(width);
        if let Some(at) = at {
            page.evaluate(&format!("document.querySelector({at:?}).scrollIntoView()"));
        }
        page.picture(&format!("{name}-{width}"));
    }
    page.resize(WIDTHS[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_reviewed_from_its_arrival_to_the_report() {
    let district = District::start().await.unwrap();
    let (unit, name) = district.unvisited();
    let [officer, helper] = district.two();
    let browser = Browser::start();
    let page = browser.page(&district.server.url());

    page.sign_in("lanhdao", PASSWORD);
    assert!(page.url().ends_with("/inbox"), "{}", page.url());
    page.visit("/inbox?need=review");
    // This goes when the page is loaded anew.
    page.evaluate("window.opened = 'once'");
    let row = "#inbox tbody tr";
    assert!(!page.text(row).contains(name));

    // Two officers are at the unit, without network. One of them writes something that will come late.
    let inspection = district.inspect().unwrap();
    assert_eq!(district.inspect_as_well().unwrap(), inspection);
    helper.sync().await.unwrap();
    let late = set("copies", 5);
    helper.book.edit(inspection, None, &[late], None).unwrap();
    district
        .come_back_with_photo(inspection, "KTC-01")
        .await
        .unwrap();
    page.wait_for(row, name);
    assert_eq!(
        page.evaluate("window.opened"),
        "once",
        "it came without a reload"
    );
    pictures(&page, "inbox", None);
    inspect(&page);

    // Both values stand side by side, with each officer's note and the photo.
    page.follow(&format!("{row} a[href='/records/{inspection}']"));
    let clash = "#criteria form.clash";
    let sides = page.text(&format!("{clash} .side"));
    for said in [
        "đạt",
        "chưa đạt",
        "Cán bộ mô phỏng Một",
        "Cán bộ mô phỏng Sáu",
        "Danh sách lực lượng chưa cập nhật.",
    ] {
        assert!(sides.contains(said), "{said} is not in {sides}");
    }
    page.wait(&format!("{clash} img"));
    pictures(&page, "record", Some("#criteria"));
    inspect(&page);
    page.click(&format!(
        "{clash} .side:has-text('Cán bộ mô phỏng Sáu') input[type=radio]"
    ));
    page.fill(
        &format!("{clash} input[name=reason]"),
        "Đã đối chiếu danh sách lực lượng",
    );
    page.follow(&format!("{clash} button"));
    assert_eq!(page.text(clash), "");
    assert!(
        page.text("#criteria")
            .contains("Đã đối chiếu danh sách lực lượng")
    );

    // It goes back, with a reason at a criterion.
    let criterion = ".criterion:has(code:text-is('KTC-02'))";
    page.click(&format!(
        "{criterion} summary:has-text('Trả lại vì tiêu chí này')"
    ));
    page.fill(
        &format!("{criterion} textarea[name='reason.KTC-02']"),
        "Ghi số người được tập huấn.",
    );
    page.follow("#decide button[value=returned]");
    assert!(
        page.text("#decision")
            .contains("Ghi số người được tập huấn.")
    );
    inspect(&page);
    officer.sync().await.unwrap();
    let decided = officer.book.feedback(inspection).unwrap().decision.unwrap();
    assert_eq!(decided.decision, "returned");
    assert_eq!(decided.author.name, "Lãnh đạo mô phỏng");
    let why = [(
        "KTC-02".to_owned(),
        "Ghi số người được tập huấn.".to_owned(),
    )];
    assert_eq!(decided.reasons, why);

    // It is the officers' turn, until one of them answers.
    page.visit("/inbox?need=review");
    assert!(!page.text(row).contains(name));
    page.evaluate("window.opened = 'again'");
    let answer = [set("items/KTC-02/value", 12)];
    officer
        .book
        .edit(inspection, None, &answer, Some("Bổ sung theo góp ý"))
        .unwrap();
    officer.sync().await.unwrap();
    page.wait_for(row, name);
    assert_eq!(page.evaluate("window.opened"), "again");

    // Approved as it stands now.
    page.follow(&format!("{row} a[href='/records/{inspection}']"));
    assert!(
        page.text(".criterion:has(code:text-is('KTC-02'))")
            .contains("Bổ sung theo góp ý")
    );
    page.follow("#decide button[value=approved]");
    assert!(
        page.text("#decision h2").contains("đã duyệt"),
        "{}",
        page.text("#decision")
    );
    assert_eq!(page.text("#decision .notice"), "");

    // What the helper wrote without network arrives after the approval, and is marked.
    page.visit("/inbox?need=changed");
    assert!(!page.text(row).contains(name));
    helper.sync().await.unwrap();
    page.wait_for(row, name);
    page.follow(&format!("{row} a[href='/records/{inspection}']"));
    let changed = page.text("#decision .notice");
    assert!(
        changed.contains("Có thay đổi sau quyết định") && changed.contains('5'),
        "{changed}"
    );
    pictures(&page, "changed", None);
    inspect(&page);

    // The paper is that of the version that was approved.
    page.follow(".state a[href$='/minutes']");
    assert!(page.text(".worth").contains("Xem phiên bản đã được duyệt"));
    page.follow(".worth a[href*='?at=']");
    inspect(&page);
    let paper = page.print("minutes.pdf");
    let printed = one_line(&paper);
    assert!((1..=4).contains(&paper.len()), "{} pages", paper.len());
    for line in [
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "BIÊN BẢN KIỂM TRA",
        name,
        "Phiên bản đã được duyệt",
    ] {
        assert!(
            printed.contains(line),
            "{line} is not on the paper:\n{printed}"
        );
    }
    assert!(
        !printed.contains("Thoát"),
        "the page's own controls are not printed"
    );

    planning(&page, &district);
    report(&page, unit.to_string().as_str());
    page.visit("/inbox");
    page.follow("nav form button");
    assert!(page.url().ends_with("/sign-in"));
    page.expect_no_faults();
}

/// What is on a paper, without regard to where its lines end.
fn one_line(paper: &[String]) -> String {
    let words: Vec<&str> = paper
        .iter()
        .flat_map(|page| page.split_whitespace())
        .collect();
    words.join(" ")
}

/// How far the campaign has come.
fn planning(page: &Page, district: &District) {
    page.visit("/planning");
    inspect(page);
    page.follow(&format!("main a[href='/planning/{}']", district.campaign));
    assert!(page.text("main").contains("Cán bộ mô phỏng Một"));
    pictures(page, "planning", None);
    inspect(page);
}

/// The figures of three years, the records behind one of them, and the paper.
fn report(page: &Page, unit: &str) {
    page.visit("/report?from=2017&to=2019");
    let totals = page.text("table.report tr.total");
    assert!(totals.contains("2019"), "{totals}");
    pictures(page, "report", None);
    inspect(page);
    page.follow("ul.figures li:first-child a");
    assert!(page.source().contains(&format!("/records/{unit}")));
    inspect(page);
    page.visit("/report/print?from=2017&to=2019");
    inspect(page);
    let paper = page.print("report.pdf");
    assert!(
        !paper.is_empty() && paper.concat().contains("BÁO CÁO SỐ LIỆU 2017–2019"),
        "{paper:?}"
    );
}
