//! What is known of a unit, group by group: read at a glance, written after a touch.

use leptos::prelude::*;
use sokiem_record::{
    id::Kind,
    schema::{self, Node},
};

use crate::{
    erased::{maybe, part, tap},
    form::{Form, conflict, input, show},
    shell::focus,
    words::{self, t},
};

/// Groups of fields: Vietnamese, English, names.
const GROUPS: &[(&str, &str, &[&str])] = &[
    (
        "Chung",
        "General",
        &[
            "name",
            "unit_kind",
            "school_level",
            "enterprise_size",
            "address",
            "position",
            "in_inspection_scope",
        ],
    ),
    ("Liên hệ", "Contact", &["head_name", "head_title", "phone"]),
    ("Quy mô", "Size", &["staff", "learners"]),
    (
        "Lực lượng bảo vệ",
        "Protection force",
        &[
            "guards_full_time",
            "guards_part_time",
            "guards_hired",
            "core_organisation_members",
            "guards_trained",
            "guards_certified",
        ],
    ),
    (
        "Phương án bảo vệ (không ghi nội dung)",
        "Protection plan (not its content)",
        &[
            "plan_exists",
            "plan_approved_on",
            "plan_approver",
            "plan_last_drill_on",
        ],
    ),
    (
        "Camera, phòng cháy",
        "Cameras, fire",
        &[
            "cctv_installed",
            "cctv_working",
            "cctv_days_kept",
            "fire_equipment",
            "fire_checked_on",
        ],
    ),
    (
        "Sổ sách",
        "Registers",
        &[
            "register_shifts",
            "register_visitors",
            "register_patrols",
            "register_incidents",
        ],
    ),
    ("Ghi chú", "Notes", &["notes"]),
];

/// All groups.
pub(super) fn facts(form: Form) -> AnyView {
    let groups: Vec<_> = GROUPS
        .iter()
        .map(|(vi, en, fields)| group(form, t(vi, en), fields))
        .collect();
    view! { {groups} }.into_any()
}

/// Whether a field says anything about this sort of unit.
fn matters(form: Form, field: &str) -> bool {
    let kind = form.text("unit_kind");
    match field {
        "school_level" | "learners" => kind == "school",
        "enterprise_size" => kind == "enterprise",
        _ => true,
    }
}

fn group(form: Form, title: &'static str, fields: &'static [&'static str]) -> AnyView {
    let open = RwSignal::new(false);
    let matter = Memo::new(move |_| {
        let fields = fields.iter().copied();
        fields
            .filter(|field| matters(form, field))
            .collect::<Vec<_>>()
    });
    // What people differ about is shown whether or not somebody wants to write.
    let disputed = Memo::new(move |_| fields.iter().any(|field| conflict::is_at(form, field)));
    let body = part(move || {
        let fields = matter.get();
        if open.get() || disputed.get() {
            let fields: Vec<_> = fields
                .into_iter()
                .map(|field| input::named(form, field))
                .collect();
            return view! { <div class="side-by-side">{fields}</div> }.into_any();
        }
        let fields: Vec<_> = fields.into_iter().map(|field| fact(form, field)).collect();
        view! { <dl class="facts">{fields}</dl> }.into_any()
    });
    let edit = part(move || {
        maybe((form.writable() && !disputed.get()).then(|| {
            let turn = move || {
                form.app.save_typed();
                open.update(|open| *open = !*open);
            };
            let label = move || if open.get() { t("Xong", "Done") } else { t("Sửa", "Edit") };
            let name = format!("l-edit-{}", fields.first().copied().unwrap_or_default());
            view! { <button type="button" class="plain edit" aria-describedby=name on:click=tap(turn)>{label}</button> }.into_any()
        }))
    });
    let id = format!("l-edit-{}", fields.first().copied().unwrap_or_default());
    view! {
        <section class="group">
            <div class="titled"><h2 id=id>{title}</h2> {edit}</div>
            {body}
        </section>
    }
    .into_any()
}

fn fact(form: Form, field: &'static str) -> AnyView {
    let kind = schema::fields(Kind::Unit)
        .iter()
        .find(|(name, _)| *name == field)
        .and_then(|(_, node)| match node {
            Node::Field(kind) => Some(*kind),
            _ => None,
        });
    let value = move || form.look(field, |value| show::of_type(kind, value));
    view! { <dt id=focus::anchor(field) tabindex="-1">{words::title(field)}</dt><dd>{value}</dd> }
        .into_any()
}
