// mailer: accepts mails and forgets them. Instrumented from outside, as its team would have it.
// It listens on a socket that the launcher owns (see ../shop-python/run.py).
"use strict";
const express = require("express");

const app = express();
let accepted = 0;
app.use(express.json());
app.post("/mails", (request, response) => {
  accepted += 1;
  response.json({ number: accepted, to: request.body.to });
});
app.listen({ fd: Number(process.argv[2]) }, () => console.log("ready"));
