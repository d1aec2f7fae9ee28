(function () {
  "use strict";
  document.documentElement.classList.add("js");
  var said = document.querySelector(".said");

  function number(text) {
    if (text === "exact") { return 0; }
    var found = text.replace(/,/g, "").match(/[+-]?(\d+(\.\d+)?(e[+-]?\d+)?|inf)/i);
    if (!found) { return NaN; }
    var value = /inf/i.test(found[0]) ? (found[0][0] === "-" ? -Infinity : Infinity) : parseFloat(found[0]);
    return text.trim()[0] === "<" ? value * (1 - 1e-9) : value;
  }

  function missing(text) { return text === "" || text === "-"; }

  function compare(numeric, sign) {
    return function (a, b) {
      if (missing(a.text) || missing(b.text)) {
        return missing(a.text) - missing(b.text) || a.place - b.place;
      }
      var order = numeric ? number(a.text) - number(b.text) : a.text < b.text ? -1 : a.text > b.text ? 1 : 0;
      return (isNaN(order) ? 0 : order) * sign || a.place - b.place;
    };
  }

  function sort(table, column, head) {
    var next = { ascending: "descending", descending: "none", none: "ascending" }[head.getAttribute("aria-sort") || "none"];
    var body = table.tBodies[0];
    var rows = Array.prototype.slice.call(body.rows).map(function (row, k) {
      if (!row.dataset.place) { row.dataset.place = k + 1; }
      return { row: row, place: +row.dataset.place, text: row.cells[column].textContent.trim() };
    });
    if (next === "none") {
      rows.sort(function (a, b) { return a.place - b.place; });
    } else {
      rows.sort(compare(head.dataset.sort === "number", next === "ascending" ? 1 : -1));
    }
    rows.forEach(function (one) { body.appendChild(one.row); });
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (cell) { cell.removeAttribute("aria-sort"); });
    if (next !== "none") { head.setAttribute("aria-sort", next); }
    say(head.textContent.trim() + ": " + (next === "none" ? "order as given" : "sorted " + next));
  }

  function say(text) { said.textContent = text; }

  function tabbed(table) {
    return Array.prototype.map.call(table.rows, function (row) {
      return Array.prototype.map.call(row.cells, function (cell) {
        return plain(cell.textContent.trim().replace(/\s+/g, " "));
      }).join("\t");
    }).join("\n") + "\n";
  }

  /* A spreadsheet would take a name such as "=F" for a formula: an apostrophe keeps it text. Numbers stay as they are. */
  function plain(text) {
    return /^[=@]/.test(text) || (/^[-+]./.test(text) && !/^[-+]([\d.,]+(e[-+]?\d+)?[ %*a-z\u2020]*|[ *\u2020]*)$/i.test(text)) ? "'" + text : text;
  }

  function oldWay(text) {
    var area = document.createElement("textarea");
    area.value = text;
    area.setAttribute("readonly", "");
    area.className = "hidden";
    document.body.appendChild(area);
    area.select();
    var done = false;
    try { done = document.execCommand("copy"); } catch (error) { done = false; }
    area.remove();
    return done;
  }

  function copy(button) {
    var table = document.getElementById(button.dataset.table);
    var text = tabbed(table);
    function told(done) {
      if (!done) { window.getSelection().selectAllChildren(table); }
      button.textContent = done ? "Copied" : "Selected";
      say(done ? "Table copied" : "Table selected: copy it with the keyboard");
      button.focus();
      setTimeout(function () { button.textContent = "Copy"; }, 1500);
    }
    if (navigator.clipboard && navigator.clipboard.writeText) {
      navigator.clipboard.writeText(text).then(function () { told(true); }, function () { told(oldWay(text)); });
    } else {
      told(oldWay(text));
    }
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest("button");
    if (!button) { return; }
    if (button.classList.contains("copy")) { copy(button); return; }
    var head = button.closest("thead th");
    if (head) { sort(head.closest("table"), head.cellIndex, head); }
  });

  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details:not([open])").forEach(function (one) {
      one.open = true;
      one.dataset.printed = "yes";
    });
  });
  window.addEventListener("afterprint", function () {
    document.querySelectorAll("details[data-printed]").forEach(function (one) {
      one.open = false;
      delete one.dataset.printed;
    });
  });
})();
