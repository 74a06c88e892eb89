//! The table of `docs/authorisation.md`.

use super::cast::Who;

/// What is to be answered; read, not compiled in, so that a change of it needs no build.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/authorisation.md");

/// One request, and what each principal is answered.
#[derive(Debug, Clone)]
pub struct Row {
    pub method: String,
    pub template: String,
    /// What it asks for, where a route has several rows.
    pub object: String,
    cells: Vec<String>,
}

impl Row {
    /// What stands in the first column.
    pub fn label(&self) -> String {
        format!("{} {} {}", self.method, self.template, self.object)
            .trim_end()
            .to_owned()
    }

    /// Method, template and object, to be matched.
    pub fn key(&self) -> (&str, &str, &str) {
        (&self.method, &self.template, &self.object)
    }

    pub fn expected(&self, who: Who) -> &str {
        let column = Who::ALL.iter().position(|one| *one == who).unwrap();
        &self.cells[column]
    }
}

/// All rows, in order.
pub fn rows() -> Vec<Row> {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let mut lines = page.lines().map(cells);
    let heading = lines.find(|line| line.first().is_some_and(|first| first == "Route"));
    let names: Vec<_> = Who::ALL.iter().map(|who| who.name()).collect();
    assert_eq!(heading.unwrap()[1..], names, "the columns");
    lines.filter_map(row).collect()
}

fn cells(line: &str) -> Vec<String> {
    let inner = line.strip_prefix('|').and_then(|l| l.strip_suffix('|'));
    let inner = inner.map(|inner| inner.split('|').map(|cell| cell.trim().to_owned()));
    inner.into_iter().flatten().collect()
}

fn row(cells: Vec<String>) -> Option<Row> {
    let (first, rest) = cells.split_first()?;
    let (route, object) = first.strip_prefix('`')?.split_once('`')?;
    let (method, template) = route.split_once(' ')?;
    assert_eq!(rest.len(), Who::ALL.len(), "{first}: cells");
    Some(Row {
        method: method.to_owned(),
        template: template.to_owned(),
        object: object.trim().to_owned(),
        cells: rest.to_vec(),
    })
}
