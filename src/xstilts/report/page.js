"use strict";
// What the page can do beyond being read: sort tables, tell what a mark of a chart shows, open what a link leads
// to. Everything can be read without it.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Tables: a click or the Enter key on a heading sorts by it; the third one brings the first order back.

  const keyOf = (cell) => {
    const text = (cell?.dataset.value ?? cell?.textContent ?? "").trim();
    const number = /^[+\-−]?[\d,]*\.?\d+/.exec(text);
    return number ? Number(number[0].replace("−", "-").replaceAll(",", "")) : text.toLowerCase();
  };

  const compare = (one, other) => {
    if (typeof one !== typeof other) return typeof one === "number" ? -1 : 1; // what is missing stands last
    return typeof one === "number" ? one - other : one.localeCompare(other);
  };

  const NEXT = { none: "ascending", ascending: "descending", descending: "none" };

  const sort = (table, column, direction) => {
    const body = table.tBodies[0];
    const keyed = table.originalRows.map((row) => [keyOf(row.cells[column]), row]);
    if (direction !== "none") {
      const side = direction === "ascending" ? 1 : -1;
      keyed.sort(([one], [other]) => (typeof one === typeof other ? side : 1) * compare(one, other));
    }
    body.append(...keyed.map(([, row]) => row));
    [...table.tHead.rows[0].cells].forEach((head, place) => {
      head.setAttribute("aria-sort", place === column ? direction : "none");
    });
  };

  const makeSortable = (table) => {
    if (!table.tHead || !table.tBodies.length || table.tBodies[0].rows.length < 2) return;
    table.originalRows = [...table.tBodies[0].rows];
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      if (!head.textContent.trim()) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, column, NEXT[head.getAttribute("aria-sort")]));
      head.append(button);
      head.setAttribute("aria-sort", "none");
    });
  };

  // Tooltips: a mark of a chart that tells something has its words in <title>, parted by " · ".

  const REACH = 14; // pixels from a mark within which the pointer means it
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  let shown = null;

  const hide = () => {
    shown?.classList.remove("shown");
    shown = null;
    tip.hidden = true;
  };

  const show = (mark) => {
    if (mark === shown) return;
    hide();
    shown = mark;
    mark.classList.add("shown");
    const lines = mark.dataset.told.split(" · ").map((text, place) => {
      const line = document.createElement(place ? "div" : "b");
      line.textContent = text;
      return line;
    });
    tip.replaceChildren(...lines);
    tip.hidden = false;
    place();
  };

  const place = () => {
    if (!shown) return;
    const box = shown.getBoundingClientRect();
    const middle = box.left + box.width / 2 - tip.offsetWidth / 2;
    const above = box.top - tip.offsetHeight - 8;
    tip.style.left = `${Math.max(8, Math.min(middle, innerWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${above > 8 ? above : box.bottom + 8}px`;
  };

  const centre = (mark) => {
    const box = mark.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  };

  const nearest = (marks, cost) => {
    const found = marks.map((mark) => [cost(...centre(mark)), mark]).filter(([one]) => one < Infinity);
    return found.sort(([one], [other]) => one - other)[0]?.[1];
  };

  const ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

  const step = (marks, from, [dx, dy]) => {
    const [x, y] = centre(from);
    return nearest(marks, (left, top) => {
      const along = (left - x) * dx + (top - y) * dy;
      const across = Math.abs((left - x) * dy) + Math.abs((top - y) * dx);
      return along > 0.5 ? along + 3 * across : Infinity;
    });
  };

  const makeTelling = (figure) => {
    const marks = all(".told", figure);
    if (!marks.length) return;
    const picture = figure.querySelector("[role=img]");
    picture?.setAttribute("role", "group");
    marks.forEach((mark, place) => {
      const title = mark.querySelector("title");
      mark.dataset.told = title.textContent;
      title.remove();
      mark.setAttribute("role", "img");
      mark.setAttribute("aria-label", mark.dataset.told);
      mark.setAttribute("tabindex", place ? "-1" : "0"); // one stop of the Tab key for a chart, arrows within
      mark.addEventListener("focus", () => show(mark));
      mark.addEventListener("blur", hide);
    });
    const point = (event) => {
      const own = event.target.closest(".told");
      const near = (left, top) => Math.hypot(left - event.clientX, top - event.clientY);
      const mark = own ?? nearest(marks, (left, top) => (near(left, top) < REACH ? near(left, top) : Infinity));
      if (mark) show(mark);
      else if (shown && shown !== document.activeElement) hide();
    };
    figure.addEventListener("pointermove", point);
    figure.addEventListener("pointerdown", point);
    figure.addEventListener("pointerleave", hide);
    figure.addEventListener("keydown", (event) => {
      const next = ARROWS[event.key] && step(marks, event.target, ARROWS[event.key]);
      if (!next) return;
      event.preventDefault();
      event.target.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
      next.scrollIntoView({ block: "nearest", inline: "nearest" });
    });
  };

  // Links to what a closed part of the page holds open it; so does printing.

  const reveal = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    const closed = target && target.closest("details:not([open])");
    if (!closed) return;
    closed.open = true;
    target.scrollIntoView();
  };

  // Tables and charts that are wider than the window say that they scroll.

  const markWide = () =>
    all(".scroll").forEach((box) => box.classList.toggle("wide", box.scrollWidth > box.clientWidth + 1));

  document.body.append(tip);
  addEventListener("resize", markWide);
  addEventListener("toggle", markWide, true); // of closed parts, which do not bubble
  markWide();
  all("table").forEach(makeSortable);
  all("figure").forEach(makeTelling);
  addEventListener("keydown", (event) => event.key === "Escape" && hide());
  addEventListener("scroll", place, { passive: true, capture: true });
  addEventListener("hashchange", reveal);
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details:not([open])");
    opened.forEach((one) => (one.open = true));
  });
  addEventListener("afterprint", () => opened.forEach((one) => (one.open = false)));
  reveal();
})();
