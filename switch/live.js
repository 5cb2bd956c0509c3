// Each event is the whole picture. A lost line is dialled again by the browser; until then the page says so.
"use strict";
const live = document.getElementById("live");
const line = document.getElementById("line");
line.textContent = "";
const stream = new EventSource("/live");
stream.onmessage = (event) => { live.innerHTML = event.data; line.textContent = ""; };
stream.onerror = () => { line.textContent = "The line to the switch is lost; what you see is old."; };
