// Tables of class "sortable" get buttons in their headings and a field that filters their rows; nothing else needs this script. A table
// that is replaced, as on the live page, keeps its order and its filter, by its id.
(() => {
  const kept = {};
  const value = (row, column) => row.cells[column].textContent;
  const number = text => /^[-+]?[\d.]/.test(text) ? parseFloat(text) : NaN;
  const compare = (a, b) => isNaN(number(a)) || isNaN(number(b)) ? a.localeCompare(b) : number(a) - number(b);

  function sort(table, state) {
    const body = table.tBodies[0];
    const rows = [...body.rows].sort((a, b) => {
      const x = value(a, state.column), y = value(b, state.column);
      if (!x || !y) return !x - !y; // rows without a value come last
      return state.down ? compare(y, x) : compare(x, y);
    });
    body.append(...rows);
    [...table.tHead.rows[0].cells].forEach((cell, i) => {
      if (i === state.column) cell.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    });
  }

  // A word holds for a row that contains it; one like lr<0.01 or loss=hinge compares a column.
  function holds(word, row, names) {
    const [, name, sign, right] = word.match(/^(\w+)(<=|>=|!=|=|<|>)(.+)$/) || [];
    const column = names.indexOf(name);
    if (column < 0) return row.textContent.toLowerCase().includes(word.toLowerCase());
    const left = value(row, column), order = left ? compare(left, right) : NaN;
    return { "<": order < 0, ">": order > 0, "<=": order <= 0, ">=": order >= 0, "=": order === 0, "!=": order !== 0 }[sign];
  }

  function filter(table, state, said) {
    const names = [...table.tHead.rows[0].cells].map(cell => cell.textContent);
    const words = (state.words || "").split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      row.hidden = !words.every(word => holds(word, row, names));
      shown += !row.hidden;
    }
    said.textContent = words.length ? `${shown} of ${table.tBodies[0].rows.length} rows` : "";
  }

  function equip(table) {
    const state = kept[table.id] ??= {};
    table.dataset.equipped = "";
    [...table.tHead.rows[0].cells].forEach((cell, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...cell.childNodes);
      button.onclick = () => {
        state.down = state.column === column && !state.down;
        state.column = column;
        sort(table, state);
      };
      cell.append(button);
    });
    const form = document.createElement("div"), label = document.createElement("label"), input = document.createElement("input");
    const said = document.createElement("output");
    form.className = "filter";
    input.type = "search";
    input.placeholder = table.dataset.example || "";
    input.value = state.words || "";
    input.oninput = () => { state.words = input.value; filter(table, state, said); };
    label.append("Filter: ", input);
    form.append(label, said);
    (table.closest(".scroll") || table).before(form);
    if (state.column !== undefined) sort(table, state);
    filter(table, state, said);
  }

  const look = () => document.querySelectorAll("table.sortable:not([data-equipped])").forEach(equip);
  look();
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
})();
