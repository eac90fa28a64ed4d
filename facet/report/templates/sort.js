for (const table of document.querySelectorAll("table.sortable")) {
  for (const [place, head] of [...table.querySelectorAll("thead tr:last-child th")].entries()) {
    head.querySelector("button").addEventListener("click", () => {
      const first = head.dataset.better === "up" ? "descending" : "ascending";
      const now = head.ariaSort === first ? (first === "ascending" ? "descending" : "ascending") : first;
      for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", now);
      const body = table.tBodies[0], sign = now === "ascending" ? 1 : -1;
      const key = line => place === 0 ? line.cells[0].innerText : line.cells[place].dataset.value;
      const compare = (a, b) => {
        if (key(a) === "" || key(b) === "") return (key(a) === "") - (key(b) === "");  // no number: always last
        return sign * (place === 0 ? key(a).localeCompare(key(b)) : key(a) - key(b));
      };
      body.append(...[...body.rows].sort(compare));
    });
  }
}
