// Opens the stream of a conversation (STREAM_URL) as the client library of Direct Line does, with an empty text at once, and
// prints what comes: one JSON object a line, and no address.
import WebSocket from 'ws';

const { STREAM_URL, ORIGIN } = process.env;
const socket = new WebSocket(STREAM_URL, ORIGIN ? { origin: ORIGIN } : {});
const print = (fact) => console.log(JSON.stringify(fact));

socket.on('open', () => {
  socket.send('');
  print({ event: 'open' });
});
socket.on('message', (data) => {
  const { activities, watermark } = JSON.parse(data);
  print({ event: 'frame', watermark, texts: activities.map(({ text }) => text) });
});
socket.on('unexpected-response', (_, { statusCode }) => {
  print({ event: 'refused', status: statusCode });
  process.exit(0);
});
socket.on('close', (code) => print({ event: 'closed', code }));
socket.on('error', ({ code }) => print({ event: 'failed', code }));
