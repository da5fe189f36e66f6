// Lambda's Node.js runtime: takes invocations from the Runtime API, calls the handler, sends back what it answers.
//
// It runs inside the sandbox and stands alone. It behaves as AWS's own (https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html);
// it is CommonJS because that starts faster, and loads handlers of both kinds. It speaks HTTP over an inherited socket
// where the region gives one, and over AWS_LAMBDA_RUNTIME_API otherwise.
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const { syncBuiltinESMExports } = require('node:module');
const net = require('node:net');
const path = require('node:path');
const util = require('node:util');

const API = '/2018-06-01/runtime';
const EVENT_NEWLINE = '\x1e\r'; // a line break inside one log event; the region turns it back
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const NEXT = `GET ${API}/invocation/next HTTP/1.1\r\nHost: runtime\r\n\r\n`;

let socket; // the connection to the region
let current = null; // the invocation that runs: {id, settled, pending, …}
let dying = false; // an uncaught error ends the process after it is reported
let requestId; // of the invocation that ran last, for lines logged after it

// ---- lines ----

function write(text) {
  const data = Buffer.from(text);
  let offset = 0;
  while (offset < data.length) {
    try {
      offset += fs.writeSync(1, data, offset);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

function patchConsole() {
  const structured = process.env.AWS_LAMBDA_LOG_FORMAT === 'JSON';
  const order = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
  const least = structured ? Math.max(0, order.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL || 'INFO')) : 0;
  const line = (level) => (...values) => {
    if (order.indexOf(level) < least) return;
    const timestamp = new Date().toISOString();
    if (!structured) {
      write(`${timestamp}\t${requestId}\t${level}\t${util.format(...values)}`.replaceAll('\n', EVENT_NEWLINE) + '\n');
      return;
    }
    const record = { timestamp, level, requestId };
    const only = values.length === 1 && typeof values[0] === 'object' && !(values[0] instanceof Error);
    record.message = only ? values[0] : util.format(...values);
    const error = values.find((value) => value instanceof Error);
    if (error) Object.assign(record, { errorType: error.name, errorMessage: error.message, stackTrace: (error.stack || '').split('\n').slice(1) });
    write(JSON.stringify(record) + '\n');
  };
  Object.assign(console, { log: line('INFO'), info: line('INFO'), debug: line('DEBUG'), warn: line('WARN'), error: line('ERROR'), trace: line('TRACE'), fatal: line('FATAL') });
}

// ---- the region's own host ----

// Custom resources answer at port 443 of a URL's host, whatever its port (AWS's module cfn-response, CDK's providers): the region has another.
function reachRegion() {
  const region = new URL(process.env.AWS_ENDPOINT_URL || 'http://localhost:443');
  const request = https.request;
  https.request = function (options, ...rest) {
    const host = options.hostname || options.host;
    const ours = [region.hostname, 'localhost', '127.0.0.1'].includes(host) && !(options instanceof URL);
    if (!ours || ![undefined, null, 443, '443'].includes(options.port)) return request.call(this, options, ...rest);
    return http.request({ ...options, protocol: 'http:', port: region.port, agent: undefined }, ...rest);
  };
  syncBuiltinESMExports();
}

// ---- errors ----

class Fault extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

function shape(error) {
  if (util.types.isNativeError(error) || error instanceof Error) {
    return { errorType: error.name || 'Error', errorMessage: error.message || '', trace: (error.stack || '').split('\n') };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

function logError(title, error) {
  const known = shape(error);
  const extra = error && typeof error === 'object' ? { ...error, name: undefined, code: error.code } : {};
  console.error(`${title} \t${JSON.stringify({ errorType: known.errorType, errorMessage: known.errorMessage, ...extra, stack: known.trace })}`);
}

// ---- HTTP ----

function post(target, body, headers = '') {
  const head = `POST ${API}${target} HTTP/1.1\r\nHost: runtime\r\nContent-Type: application/json\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
  return head + body;
}

function peak() {
  return `Windtunnel-Peak-Kb: ${process.resourceUsage().maxRSS}\r\n`;
}

function connect(onMessage) {
  const inherited = process.env.WINDTUNNEL_RUNTIME_FD;
  delete process.env.WINDTUNNEL_RUNTIME_FD;
  if (inherited) {
    socket = new net.Socket({ fd: Number(inherited), readable: true, writable: true });
  } else {
    const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
    socket = net.connect(Number(port), host);
  }
  let rest = null;
  socket.on('data', (data) => {
    rest = rest ? Buffer.concat([rest, data]) : data;
    while (rest) {
      const end = rest.indexOf('\r\n\r\n');
      if (end < 0) return;
      const headers = {};
      const lines = rest.latin1Slice(0, end).split('\r\n');
      for (let i = 1; i < lines.length; i++) {
        const colon = lines[i].indexOf(': ');
        headers[lines[i].slice(0, colon).toLowerCase()] = lines[i].slice(colon + 2);
      }
      const size = end + 4 + Number(headers['content-length'] || 0);
      if (rest.length < size) return;
      const body = rest.utf8Slice(end + 4, size);
      rest = rest.length > size ? rest.subarray(size) : null;
      onMessage(headers, body);
    }
  });
  socket.on('close', () => process.reallyExit(0)); // the region is gone
  socket.on('error', () => process.reallyExit(0));
}

// ---- handlers ----

function moduleIsESM(file) {
  if (file.endsWith('.mjs')) return true;
  if (!file.endsWith('.js')) return false;
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    try {
      return JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')).type === 'module';
    } catch (error) {
      if (error.code !== 'ENOENT') return false;
    }
    if (folder === path.dirname(folder)) return false;
  }
}

async function load(root, name) {
  const base = path.resolve(root, name);
  for (const ending of ['', '.js', '.mjs', '.cjs']) {
    const file = base + ending;
    if (fs.existsSync(file) && fs.statSync(file).isFile()) {
      return moduleIsESM(file) ? import(require('node:url').pathToFileURL(file).href) : require(file);
    }
  }
  return require(require.resolve(name, { paths: [root, ...(process.env.NODE_PATH || '').split(':').filter(Boolean)] }));
}

async function findHandler(root, full) {
  const slash = full.lastIndexOf('/') + 1;
  const dot = full.indexOf('.', slash);
  if (dot < 0 || full.includes('..')) throw new Fault('Runtime.MalformedHandlerName', full.includes('..') ? `'${full}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.` : 'Bad handler');
  const [name, nested] = [full.slice(0, dot), full.slice(dot + 1)];
  let found;
  try {
    found = await load(root, name);
  } catch (error) {
    if (error instanceof SyntaxError) throw Object.assign(new Fault('Runtime.UserCodeSyntaxError', String(error)), { stack: error.stack });
    if (error && ['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'].includes(error.code)) throw new Fault('Runtime.ImportModuleError', String(error));
    throw error;
  }
  const get = (from) => nested.split('.').reduce((value, key) => (value == null ? undefined : value[key]), from);
  const handler = get(found) ?? get(found.default);
  if (handler === undefined) throw new Fault('Runtime.HandlerNotFound', `${full} is undefined or not exported`);
  if (typeof handler !== 'function') throw new Fault('Runtime.HandlerNotFound', `${full} is not a function`);
  return handler;
}

// ---- streams ----

function responseStream(invocation) {
  const { Writable } = require('node:stream');
  let type = 'application/octet-stream';
  let begun = false;
  const begin = () => {
    if (begun) return;
    begun = true;
    socket.write(
      `POST ${API}/invocation/${invocation.id}/response HTTP/1.1\r\nHost: runtime\r\nContent-Type: ${type}\r\n${peak()}` +
        'Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n' +
        'Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n',
    );
  };
  const chunk = (data) => Buffer.concat([Buffer.from(data.length.toString(16) + '\r\n'), data, Buffer.from('\r\n')]);
  const stream = new Writable({
    write(data, encoding, done) {
      begin();
      const bytes = Buffer.isBuffer(data) ? data : Buffer.from(data, encoding);
      if (bytes.length) socket.write(chunk(bytes), done);
      else done();
    },
    final(done) {
      begin();
      finish(invocation, '0\r\n\r\n');
      done();
    },
  });
  stream.setContentType = (value) => { type = value; };
  stream.failWith = (error) => {
    if (!begun) return false;
    const known = shape(error);
    const body = Buffer.from(JSON.stringify(known)).toString('base64');
    finish(invocation, `0\r\nLambda-Runtime-Function-Error-Type: ${known.errorType}\r\nLambda-Runtime-Function-Error-Body: ${body}\r\n\r\n`);
    return true;
  };
  stream.begin = begin;
  return stream;
}

globalThis.awslambda = {
  streamifyResponse(handler, options) {
    handler[STREAMING] = options || true;
    return handler;
  },
  HttpResponseStream: {
    // Metadata first, then eight zero bytes, then the body.
    from(stream, prelude) {
      stream.setContentType('application/vnd.awslambda.http-integration-response');
      stream.write(JSON.stringify(prelude));
      stream.write(Buffer.alloc(8));
      return stream;
    },
  },
};

// ---- invocations ----

function finish(invocation, report) {
  if (invocation.settled) return;
  invocation.settled = true;
  current = null;
  socket.ref();
  socket.write(dying ? report : report + NEXT);
}

function succeed(invocation, value) {
  let body;
  try {
    body = JSON.stringify(value === undefined ? null : value) ?? 'null';
  } catch (error) {
    fail(invocation, new Fault('Runtime.MarshalError', `Unable to stringify response body: ${error.message}`));
    return;
  }
  finish(invocation, post(`/invocation/${invocation.id}/response`, body, peak()));
}

function fail(invocation, error, title = 'Invoke Error') {
  if (invocation.settled) return;
  logError(title, error);
  if (invocation.stream && invocation.stream.failWith(error)) return;
  const known = shape(error);
  const headers = `Lambda-Runtime-Function-Error-Type: ${known.errorType.replace(/[^\x20-\x7e]/g, '')}\r\n${peak()}${dying ? 'Windtunnel-Last: 1\r\n' : ''}`;
  finish(invocation, post(`/invocation/${invocation.id}/error`, JSON.stringify(known), headers));
}

function contextOf(invocation, headers) {
  const left = headers['windtunnel-remaining-ms'];
  const deadline = performance.now() + (left ? Number(left) : Number(headers['lambda-runtime-deadline-ms']) - Date.now());
  const parsed = (text) => (text ? JSON.parse(text) : undefined);
  const env = process.env;
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parsed(headers['lambda-runtime-client-context']),
    identity: parsed(headers['lambda-runtime-cognito-identity']),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: invocation.id,
    tenantId: headers['lambda-runtime-aws-tenant-id'],
    getRemainingTimeInMillis: () => Math.max(0, Math.floor(deadline - performance.now())),
  };
}

function invoke(handler, headers, body) {
  const invocation = { id: headers['lambda-runtime-aws-request-id'], settled: false, pending: null, stream: null };
  current = invocation;
  requestId = invocation.id;
  if (headers['lambda-runtime-trace-id']) process.env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'];
  const context = contextOf(invocation, headers);
  // While the handler runs, the socket doesn't count as work: an empty event loop is then seen as `beforeExit`.
  socket.unref();
  const callback = (error, value) => {
    if (invocation.pending) return;
    invocation.pending = error == null ? () => succeed(invocation, value) : () => fail(invocation, error);
    if (!context.callbackWaitsForEmptyEventLoop) setImmediate(invocation.pending);
  };
  context.done = (error, value) => { context.callbackWaitsForEmptyEventLoop = false; callback(error, value); };
  context.succeed = (value) => context.done(null, value);
  context.fail = (error) => context.done(error === undefined ? 'handled' : error);
  let result;
  try {
    const event = JSON.parse(body);
    if (handler[STREAMING]) {
      invocation.stream = responseStream(invocation);
      result = handler(event, invocation.stream, context);
      // The answer ends when the handler ends the stream; one that never writes still has to answer.
      invocation.pending = () => invocation.stream.end();
    } else {
      result = handler(event, context, callback);
    }
  } catch (error) {
    fail(invocation, error);
    return;
  }
  if (result && typeof result.then === 'function') {
    result.then(
      (value) => { if (!invocation.stream) succeed(invocation, value); },
      (error) => fail(invocation, error),
    );
  }
}

async function main() {
  patchConsole();
  reachRegion();
  let handler;
  connect((headers, body) => {
    if (headers['lambda-runtime-aws-request-id']) invoke(handler, headers, body);
  });
  process.on('beforeExit', () => {
    if (current) (current.pending || (() => succeed(current, null)))();
  });
  process.on('uncaughtException', (error) => {
    dying = true;
    if (current) fail(current, error, 'Uncaught Exception');
    else logError('Uncaught Exception', error);
    socket.end(() => process.exit(129));
  });
  process.on('unhandledRejection', (reason) => {
    dying = true;
    const error = new Fault('Runtime.UnhandledPromiseRejection', String(reason));
    error.reason = shape(reason);
    if (current) fail(current, error, 'Unhandled Promise Rejection');
    else logError('Unhandled Promise Rejection', error);
    socket.end(() => process.exit(128));
  });
  try {
    handler = await findHandler(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
  } catch (error) {
    logError('Uncaught Exception', error);
    const known = shape(error);
    socket.write(post('/init/error', JSON.stringify(known), `Lambda-Runtime-Function-Error-Type: ${known.errorType.replace(/[^\x20-\x7e]/g, '')}\r\n`), () => process.reallyExit(1));
    return;
  }
  socket.write(NEXT);
}

main();
