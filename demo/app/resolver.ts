// The resolver that the machines of the demo had before the mesh came: it knows one name of the outside world.
//
// Usage: node resolver.ts ADDRESS
import { createSocket } from "node:dgram";
import { decode, encode } from "dns-packet";

const [address = "0.0.0.0"] = process.argv.slice(2);
const socket = createSocket("udp4");
socket.on("message", (message, from) => {
  const query = decode(message);
  const [question] = query.questions ?? [];
  const known = question?.name === "outside.example" && question.type === "A";
  const reply = encode({
    type: "response",
    id: query.id ?? 0,
    // RA, and NXDOMAIN for what it does not know.
    flags: 0x80 | (known || question?.name === "outside.example" ? 0 : 3),
    questions: query.questions ?? [],
    answers: known ? [{ type: "A", name: "outside.example", ttl: 60, data: "203.0.113.80" }] : [],
  });
  socket.send(reply, from.port, from.address);
});
socket.bind(53, address, () => console.log(`resolver listens on ${address}`));
