for (const table of document.querySelectorAll("table.sortable")) {
  for (const [place, head] of [...table.querySelectorAll("thead tr:last-child th")].entries()) {
    head.querySelector("button").addEventListener("click", () => {
      const first = head.dataset.better === "up" ? "descending" : "ascending";
      const now = head.ariaSort === first ? (first === "ascending" ? "descending" : "ascending") : first;
      for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", now);
      const body = table.tBodies[0], sign = now === "ascending" ? 1 : -1;
      const key = line => {
        const {dataset, innerText} = line.cells[place];
        return place === 0 ? innerText : dataset.value || (innerText === "–" ? "" : innerText);  // a number, or words
      };
      const compare = (a, b) => {
        if (key(a) === "" || key(b) === "") return (key(a) === "") - (key(b) === "");  // no number: always last
        return sign * (key(a) - key(b) || (isNaN(key(a) - key(b)) ? key(a).localeCompare(key(b), "en", {numeric: true}) : 0));
      };
      body.append(...[...body.rows].sort(compare));
    });
  }
}
