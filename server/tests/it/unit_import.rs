//! Lists of units: what a preview says, and that an import does exactly that.

use std::io::{Cursor, Write as _};

use rust_xlsxwriter::{Formula, Workbook};
use serde_json::{Value, json};
use sokiem_record::id::{AreaId, Kind};
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::{
    harness::{Answer, Phone, Town, answer},
    pages::{Browser, hidden, percent},
};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// A town with a supervisor of its first commune.
async fn town() -> (Town, String) {
    let town = Town::new().await;
    town.account("tam", "supervisor", &[town.communes[0]]).await;
    let token = town.sign_in("tam").await;
    (town, token)
}

async fn send(town: &Town, token: &str, path: &str, media_type: &str, file: &[u8]) -> Answer {
    let request = town.http.post(town.url(path)).bearer_auth(token);
    let request = request
        .header("content-type", media_type)
        .body(file.to_vec());
    answer(request.send().await.unwrap()).await
}

async fn preview(town: &Town, token: &str, area: Option<AreaId>, file: impl AsRef<[u8]>) -> Answer {
    let area = area.map(|area| area.to_string()).unwrap_or_default();
    let path = format!("/api/v1/units/import/preview?area={area}");
    send(town, token, &path, "text/csv", file.as_ref()).await
}

async fn import(
    town: &Town,
    token: &str,
    area: Option<AreaId>,
    digest: &Value,
    file: impl AsRef<[u8]>,
) -> Answer {
    let area = area.map(|area| area.to_string()).unwrap_or_default();
    let digest = digest.as_str().unwrap();
    let path = format!("/api/v1/units/import?area={area}&digest={digest}");
    send(town, token, &path, "text/csv", file.as_ref()).await
}

async fn units(town: &Town) -> Vec<String> {
    let list = town
        .get(&town.admin, "/api/v1/records?kind=unit&sort=title")
        .await
        .expect(200);
    let records = list["records"].as_array().unwrap();
    records
        .iter()
        .map(|record| record["title"].as_str().unwrap().to_owned())
        .collect()
}

fn outcomes(preview: &Value) -> Vec<(u64, &str)> {
    let lines = preview["lines"].as_array().unwrap();
    let outcome = |line: &'_ Value| line["line"].as_u64().unwrap();
    lines
        .iter()
        .map(|line| (outcome(line), line["outcome"].as_str().unwrap()))
        .collect()
}

/// What is wrong, in Vietnamese, line by line.
fn faults(preview: &Value) -> Vec<String> {
    let lines = preview["lines"].as_array().unwrap().iter();
    let faults = lines.flat_map(|line| {
        let number = line["line"].clone();
        let faults = line["faults"].as_array().unwrap().iter();
        faults.map(move |fault| format!("{number} {}", fault["vietnamese"].as_str().unwrap()))
    });
    faults.collect()
}

fn held(phone: &Phone, name: &str) -> Option<Value> {
    let units = phone
        .held
        .values()
        .filter(|(_, document)| document.kind() == Kind::Unit);
    let mut contents = units.map(|(_, document)| document.contents().fields);
    contents.find(|fields| fields["name"] == name)
}

#[tokio::test]
async fn what_was_previewed_is_imported_once_and_reaches_the_phones() {
    let (town, token) = town().await;
    let near = town.communes[0];
    let mut lan = town.phone("lan", &[near]).await;
    let there = lan.unit(near, "Trường Tiểu học An Điền");
    let there_id = there.document;
    lan.sync(vec![there]).await;
    let file = "\u{feff}Tên đơn vị;Loại hình;Địa bàn;Cấp học;Số người làm việc;Có phương án bảo vệ;Ngày duyệt phương án;Vĩ độ;Kinh độ;Ghi chú;Người đưa thư\r\n\
        truong tieu hoc AN DIEN;nhà trường;;;;;;;;;\r\n\
        Trường THCS An Điền;Trường học;xã an dien;THCS;41;có;5/8/2019;9,9512;106,5318;\"Gần chợ;\r\nhai cổng\";bỏ qua\r\n\
        <script>alert(1)</script>;cơ quan;An Điền;;0;không;;;;;\r\n";
    let seen = preview(&town, &token, Some(near), file).await.expect(200);
    assert_eq!(
        outcomes(&seen),
        [(2, "there"), (3, "new"), (5, "new")],
        "{seen}"
    );
    assert_eq!(
        (
            &seen["new"],
            &seen["there"],
            &seen["wrong"],
            &seen["ignored"]
        ),
        (&json!(2), &json!(1), &json!(0), &json!(["Người đưa thư"]))
    );
    assert_eq!(seen["lines"][0]["unit"], json!(there_id));
    let school = json!({"name": "Trường THCS An Điền", "unit_kind": "school", "school_level": "lower_secondary", "staff": 41,
        "plan_exists": true, "plan_approved_on": "2019-08-05", "position": "geo:9.9512,106.5318", "notes": "Gần chợ;\r\nhai cổng"});
    assert_eq!(seen["lines"][1]["fields"], school);
    assert_eq!(units(&town).await.len(), 1, "a preview writes nothing");

    let other = import(&town, &token, Some(near), &json!("0".repeat(64)), file).await;
    assert_eq!(
        other.problem(409),
        "stale",
        "only what was previewed is imported"
    );
    assert_eq!(units(&town).await.len(), 1);
    let done = import(&town, &token, Some(near), &seen["digest"], file)
        .await
        .expect(201);
    assert_eq!(
        (done["made"].as_array().unwrap().len(), &done["there"]),
        (2, &json!(1))
    );
    assert_eq!(
        units(&town).await,
        [
            "<script>alert(1)</script>",
            "Trường THCS An Điền",
            "Trường Tiểu học An Điền"
        ]
    );

    // The same file again: everything is there.
    assert_eq!(
        import(&town, &token, Some(near), &seen["digest"], file)
            .await
            .problem(409),
        "stale"
    );
    let again = preview(&town, &token, Some(near), file).await.expect(200);
    assert_eq!(outcomes(&again), [(2, "there"), (3, "there"), (5, "there")]);
    let nothing = import(&town, &token, Some(near), &again["digest"], file)
        .await
        .expect(201);
    assert_eq!(
        (&nothing["made"], units(&town).await.len()),
        (&json!([]), 3)
    );

    lan.sync(Vec::new()).await;
    let school = held(&lan, "Trường THCS An Điền").unwrap();
    assert_eq!(
        (&school["unit_kind"], &school["notes"]),
        (&json!("school"), &json!("Gần chợ;\r\nhai cổng"))
    );
    let log = town
        .get(&town.admin, "/api/v1/audit?action=units-imported")
        .await
        .expect(200);
    assert_eq!(log["rows"][1]["detail"]["made"], 2, "{log}");
}

#[tokio::test]
async fn one_wrong_line_keeps_the_whole_file_out_and_every_fault_is_told() {
    let (town, token) = town().await;
    let file = "ten,loai hinh,dia ban,staff,fire_checked_on\n\
        Chợ An Điền,cơ quan,An Điền,3,31/02/2019\n\
        ,cơ quan,An Điền,,\n\
        Trạm y tế,bệnh viện,An Điền,ba,\n\
        Trường A,nhà trường,Thạnh Hải,,\n\
        Trường B,nhà trường,,,\n\
        cho an đien,cơ quan,An Điền,,\n\
        Công ty Dừa,doanh nghiệp,An Điền,,,\"Ấp 1\"\n\
        Công ty \u{202e}Gáo,doanh nghiệp,An Điền,,\n\
        Tốt,cơ quan,An Điền,,\n";
    let seen = preview(&town, &token, None, file).await.expect(200);
    assert_eq!(
        faults(&seen),
        [
            "2 “31/02/2019” không phải là ngày có thật, dạng ngày/tháng/năm",
            "3 không được để trống",
            "4 “bệnh viện” không phải là một trong: cơ quan, doanh nghiệp, nhà trường",
            "4 “ba” không phải là số nguyên từ 0, viết không có dấu chấm",
            // Somebody else's area, and one that does not exist, are told the same.
            "5 “Thạnh Hải” không có trong các địa bàn của bạn",
            "6 chưa có địa bàn: hãy ghi ở cột Địa bàn, hoặc chọn một địa bàn chung cho cả tệp",
            "7 trùng tên và địa bàn với dòng 2",
            "8 có chữ ở cột thứ 6, cột này không có tiêu đề (thừa dấu phân cách?)",
            "9 có ký tự ẩn (U+202E), thường do dán từ nơi khác: hãy gõ lại ô này",
        ]
    );
    assert_eq!((&seen["wrong"], &seen["new"]), (&json!(8), &json!(1)));
    assert_eq!(
        import(&town, &token, None, &seen["digest"], file)
            .await
            .problem(422),
        "invalid"
    );
    assert!(units(&town).await.is_empty());
    let elsewhere = preview(&town, &token, Some(town.communes[1]), file).await;
    assert_eq!(elsewhere.problem(403), "forbidden");
    // An administrator has both areas.
    let seen = preview(
        &town,
        &town.admin,
        Some(town.district),
        "name,kind,area\nA,agency,Thạnh Hải\nB,agency,\n",
    )
    .await
    .expect(200);
    assert_eq!(
        (&seen["lines"][0]["area"], &seen["lines"][1]["area"]),
        (&json!(town.communes[1]), &json!(town.district))
    );
}

#[tokio::test]
async fn a_plan_that_others_have_overtaken_is_not_carried_out() {
    let (town, token) = town().await;
    let near = town.communes[0];
    let file = "ten,loai hinh\nChợ,cơ quan\nTrạm,cơ quan\n";
    let seen = preview(&town, &token, Some(near), file).await.expect(200);
    let mut lan = town.phone("lan", &[near]).await;
    let unit = lan.unit(near, "Trạm");
    let id = unit.document;
    lan.sync(vec![unit]).await;
    assert_eq!(
        import(&town, &token, Some(near), &seen["digest"], file)
            .await
            .problem(409),
        "stale"
    );
    assert_eq!(units(&town).await, ["Trạm"]);
    // A line that names a record by its id is that record, whatever it is called now.
    let file = format!(
        "id,ten,loai hinh\n{id},Trạm y tế,cơ quan\n{},Khác,cơ quan\nx,Khác,cơ quan\n",
        town.district
    );
    let seen = preview(&town, &token, Some(near), file).await.expect(200);
    assert_eq!(outcomes(&seen), [(2, "there"), (3, "wrong"), (4, "wrong")]);
}

#[tokio::test]
async fn an_export_of_units_is_a_list_in_which_all_are_there() {
    let (town, token) = town().await;
    let near = town.communes[0];
    let body = json!({"area": near, "fields": {"name": "=cmd()", "unit_kind": "school", "staff": 5, "plan_exists": true,
        "fire_checked_on": "2019-08-05", "position": "geo:9.95,106.53;u=12", "notes": "hai\ndòng"}});
    town.post(&token, "/api/v1/units", body).await.expect(201);
    for format in ["csv", "xlsx"] {
        let file = town
            .bytes(
                &token,
                &format!("/api/v1/records/export?format={format}&kind=unit"),
            )
            .await;
        let seen = preview(&town, &token, None, &file).await.expect(200);
        assert_eq!(
            (&seen["there"], &seen["wrong"]),
            (&json!(1), &json!(0)),
            "{format} {seen}"
        );
    }
}

#[tokio::test]
async fn a_list_from_before_a_merger_names_areas_that_have_become_part_of_others() {
    let town = Town::new().await;
    let [near, far] = town.communes;
    let old = "ten,loai hinh,dia ban\nChợ,cơ quan,Thạnh Hải\nTrạm,cơ quan,An Điền\n";
    let seen = preview(&town, &town.admin, None, old).await.expect(200);
    import(&town, &town.admin, None, &seen["digest"], old)
        .await
        .expect(201);
    let merge = json!({"into": near});
    town.post(&town.admin, &format!("/api/v1/areas/{far}/merge"), merge)
        .await
        .expect(200);
    let more = format!("{old}Bến,cơ quan,xã Thạnh Hải\n");
    let seen = preview(&town, &town.admin, None, &more).await.expect(200);
    assert_eq!(outcomes(&seen), [(2, "there"), (3, "there"), (4, "new")]);
    assert_eq!(seen["lines"][2]["area"], json!(near));
    let told = &seen["lines"][2]["notices"][0]["vietnamese"];
    assert_eq!(told, "“xã Thạnh Hải” nay là một phần của An Điền");
    let gone = preview(&town, &town.admin, Some(far), &more).await;
    assert_eq!(gone.problem(422), "invalid");
}

/// A workbook of these parts.
fn packed(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A workbook with one sheet and shared texts, both as XML.
fn book(sheet: &str, shared: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let workbook = format!(
        r#"<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>"#
    );
    let relations = format!(
        r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#
    );
    let package = format!(
        r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
    );
    let sheet = format!(r#"<worksheet xmlns="{MAIN}"><sheetData>{sheet}</sheetData></worksheet>"#);
    let mut parts: Vec<(&str, &[u8])> = vec![
        (
            "[Content_Types].xml",
            b"<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>",
        ),
        ("_rels/.rels", package.as_bytes()),
        ("xl/workbook.xml", workbook.as_bytes()),
        ("xl/_rels/workbook.xml.rels", relations.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
        ("xl/sharedStrings.xml", shared.as_bytes()),
    ];
    parts.extend(more);
    packed(&parts)
}

const HEADING: &str = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>Tên đơn vị</t></is></c><c r="B1" t="inlineStr"><is><t>Loại hình</t></is></c></row>"#;

#[tokio::test]
async fn workbooks_are_read_with_their_dates_and_formulas_are_refused() {
    let (town, token) = town().await;
    let near = town.communes[0];
    let mut book = Workbook::new();
    let hidden = book.add_worksheet();
    hidden
        .set_name("Ẩn")
        .unwrap()
        .set_hidden(true)
        .write_string(0, 0, "khác")
        .unwrap();
    let sheet = book.add_worksheet();
    sheet.set_name("Đơn vị").unwrap().set_active(true);
    sheet.write_string(0, 0, "DANH SÁCH").unwrap();
    let names = ["Name", "Kind of unit", "Staff", "Fire check", "Phone"];
    for (column, name) in (0_u16..).zip(names) {
        sheet.write_string(2, column, name).unwrap();
    }
    let date = rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd");
    sheet
        .write_string(3, 0, "Chợ")
        .unwrap()
        .write_string(3, 1, "agency")
        .unwrap();
    sheet
        .write_number(3, 2, 12.0)
        .unwrap()
        .write_number(3, 4, 270_123_456.0)
        .unwrap();
    let day = rust_xlsxwriter::ExcelDateTime::from_ymd(2019, 8, 5).unwrap();
    sheet.write_datetime_with_format(3, 3, day, &date).unwrap();
    sheet
        .write_formula(5, 0, Formula::new("=\"A\"&\"B\"").set_result("AB"))
        .unwrap();
    sheet
        .write_string(5, 1, "agency")
        .unwrap()
        .write_number(5, 2, 1.5)
        .unwrap();
    let file = book.save_to_buffer().unwrap();
    let seen = preview(&town, &token, Some(near), file).await.expect(200);
    assert_eq!(
        (&seen["sheet"], outcomes(&seen)),
        (&json!("Đơn vị"), vec![(4, "new"), (6, "wrong")])
    );
    let fields = json!({"name": "Chợ", "unit_kind": "agency", "staff": 12, "fire_checked_on": "2019-08-05", "phone": "270123456"});
    assert_eq!(seen["lines"][0]["fields"], fields);
    assert_eq!(
        faults(&seen),
        [
            "6 là công thức: hãy chép rồi dán lại dạng giá trị",
            "6 “1.5” không phải là số nguyên từ 0, viết không có dấu chấm",
        ]
    );
}

#[tokio::test]
async fn hostile_workbooks_are_refused_and_the_server_goes_on() {
    let (town, token) = town().await;
    let near = town.communes[0];
    let good = book(
        &format!(
            r#"{HEADING}<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" t="inlineStr"><is><t>cơ quan</t></is></c></row>"#
        ),
        r#"<sst uniqueCount="1"><si><t>Chợ</t></si></sst>"#,
        &[],
    );
    let seen = preview(&town, &token, Some(near), &good).await.expect(200);
    assert_eq!(
        outcomes(&seen),
        [(2, "new")],
        "the books below differ from this one in one thing"
    );

    let zeros = vec![b' '; 64 * 1024 * 1024];
    let cell = |at: &str| format!(r#"<row><c r="{at}" t="inlineStr"><is><t>x</t></is></c></row>"#);
    let many_times: String = (0..60_000)
        .map(|n| {
            format!(
                r#"<c r="{}{}" t="s"><v>0</v></c>"#,
                ["A", "B", "C", "D"][n % 4],
                n / 40 + 2
            )
        })
        .collect();
    let long = format!(
        r#"<sst uniqueCount="1"><si><t>{}</t></si></sst>"#,
        "đ".repeat(15_000)
    );
    let styles = format!(
        "<styleSheet><cellXfs>{}</cellXfs></styleSheet>",
        "<xf/>".repeat(500_000)
    );
    let none = "<sst/>";
    let bad: Vec<(&str, Vec<u8>)> = vec![
        ("a bomb", book(HEADING, none, &[("xl/media/a.png", &zeros)])),
        (
            "a claim of many texts",
            book(HEADING, r#"<sst uniqueCount="900000000000"></sst>"#, &[]),
        ),
        (
            "a claim of many formulas",
            book(
                &format!(
                    r#"{HEADING}<row r="2"><c r="A2"><f t="shared" ref="A2:A3" si="9999999999">1</f><v>1</v></c></row>"#
                ),
                none,
                &[],
            ),
        ),
        (
            "a cell far away",
            book(&format!("{HEADING}{}", cell("A1048576")), none, &[]),
        ),
        (
            "a cell far to the right",
            book(&format!("{HEADING}{}", cell("XFD2")), none, &[]),
        ),
        (
            "one long text many times",
            book(&format!("{HEADING}<row>{many_times}</row>"), &long, &[]),
        ),
        (
            "many styles",
            book(HEADING, none, &[("xl/styles.xml", styles.as_bytes())]),
        ),
        (
            "another encoding",
            book(HEADING, none, &[("xl/x.xml", b"\xff\xfe<\0?\0")]),
        ),
        (
            "no sheet data",
            book("", none, &[]).into_iter().take(400).collect(),
        ),
        (
            "XML that ends",
            packed(&[("xl/workbook.xml", b"<workbook><sheets>")]),
        ),
        ("an archive of something else", packed(&[("a.txt", b"x")])),
        (
            "an old workbook",
            vec![0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1],
        ),
        ("a picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()),
        ("nothing", Vec::new()),
    ];
    for (what, file) in bad {
        assert!(file.len() <= 1024 * 1024, "{what} is small");
        let path = format!("/api/v1/units/import/preview?area={near}");
        let answer = send(&town, &token, &path, XLSX, &file).await;
        assert_eq!(answer.problem(422), "invalid", "{what}");
        println!("{what}: {}", answer.json["detail_vi"]);
    }
    let huge = vec![b'a'; 1024 * 1024 + 1];
    assert_eq!(
        preview(&town, &token, Some(near), huge).await.problem(413),
        "body-too-large"
    );
    let path = "/api/v1/units/import/preview";
    assert_eq!(
        send(&town, &token, path, "image/png", b"x")
            .await
            .problem(415),
        "unsupported-media-type"
    );
    assert!(units(&town).await.is_empty());
}

#[tokio::test]
async fn a_list_is_imported_by_forms_alone() {
    let (town, _) = town().await;
    let near = town.communes[0].to_string();
    let browser = Browser::sign_in(&town, "tam").await;
    let list = browser.read("/records?kind=unit").await;
    assert!(list.contains("href=\"/units/import\""));
    let page = browser.read("/units/import").await;
    assert!(
        page.contains("An Điền") && !page.contains("Thạnh Hải"),
        "only one's own areas"
    );
    let csrf = hidden(&page, "csrf");
    let file =
        "Tên đơn vị,Loại hình,<i>Cột</i>\n<script>alert(1)</script>,cơ quan,x\nChợ,cơ quan,y\n";
    let name = "\"><script>.csv";
    let fields = [("csrf", csrf.as_str()), ("area", near.as_str())];

    for (fields, file, status) in [
        (&[("csrf", "x"), ("area", &near)][..], file, 403),
        (&fields[..1], "", 422),
        (&fields[..], "no,list\n1,2\n", 422),
    ] {
        let answer = browser
            .upload("/units/import/preview", fields, "a.csv", file.as_bytes())
            .await;
        assert_eq!(answer.status(), status);
        assert!(
            answer
                .text()
                .await
                .unwrap()
                .contains("Không thực hiện được")
        );
    }
    let large = vec![b'a'; 3 * 1024 * 1024];
    let answer = browser
        .upload("/units/import/preview", &fields, "a.csv", &large)
        .await;
    assert_eq!(answer.status(), 413);
    assert!(answer.text().await.unwrap().contains("Tệp lớn hơn 1024 KB"));

    let wrong = browser
        .upload(
            "/units/import/preview",
            &fields,
            "a.csv",
            b"ten,loai\nA,<b>x</b>\n",
        )
        .await;
    let wrong = wrong.text().await.unwrap();
    assert!(
        wrong.contains("Cần sửa")
            && wrong.contains("&#60;b&#62;x")
            && !wrong.contains("name=\"digest\"")
    );

    let page = browser
        .upload("/units/import/preview", &fields, name, file.as_bytes())
        .await;
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    assert!(page.contains("&#60;script&#62;alert(1)") && page.contains("&#60;i&#62;Cột"));
    assert!(!page.contains("<script>alert") && !page.contains("\"><script>"));
    assert!(units(&town).await.is_empty());
    let form = |csrf: &str| {
        let carried = ["area", "digest", "file_name", "file"];
        let carried = carried.map(|name| format!("&{name}={}", percent(&value(&page, name))));
        format!("csrf={csrf}{}", carried.concat())
    };
    assert_eq!(
        browser.submit("/units/import", &form("x")).await.status(),
        403
    );
    let done = browser.submit("/units/import", &form(&csrf)).await;
    assert_eq!(
        (done.status().as_u16(), &done.headers()["location"]),
        (303, &"/units/import?made=2&there=0".parse().unwrap())
    );
    assert!(
        browser
            .read("/units/import?made=2&there=0")
            .await
            .contains("Số đơn vị mới đã nhập")
    );
    assert_eq!(units(&town).await.len(), 2);
    // Sent twice: told, and nothing is made.
    let again = browser.submit("/units/import", &form(&csrf)).await;
    assert_eq!(again.status(), 409);
    let again = again.text().await.unwrap();
    assert!(again.contains("Chưa nhập gì") && again.contains("không có gì để nhập"));
    assert_eq!(units(&town).await.len(), 2);
}

/// The value of a hidden field of the import's form.
fn value(page: &str, name: &str) -> String {
    let form = page.split("action=\"/units/import\"").nth(1).unwrap();
    let value = form
        .split(&format!("name=\"{name}\" value=\""))
        .nth(1)
        .unwrap();
    value
        .split('"')
        .next()
        .unwrap()
        .replace("&#34;", "\"")
        .replace("&#62;", ">")
        .replace("&#60;", "<")
}

#[tokio::test]
async fn the_templates_can_be_had_and_hold_no_unit() {
    let (town, token) = town().await;
    for format in ["csv", "xlsx"] {
        let file = town
            .bytes(
                &token,
                &format!("/api/v1/units/import/template?format={format}"),
            )
            .await;
        let seen = preview(&town, &token, Some(town.communes[0]), &file)
            .await
            .expect(200);
        assert_eq!(outcomes(&seen), [(2, "example")], "{format}");
        assert_eq!((&seen["wrong"], &seen["new"]), (&json!(0), &json!(0)));
    }
}
