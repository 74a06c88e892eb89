import * as opaque from '@serenity-kit/opaque';
await opaque.ready;
const identity = '07'.repeat(32);
const server = `hythe 1 ${identity}`;
const password = 'Grüße, Schärfe! 7 häfen'.normalize('NFC');
const serverSetup = opaque.server.createSetup();
const cred = 'credential';
const ks = 'memory-constrained';
const { clientRegistrationState, registrationRequest } = opaque.client.startRegistration({ password });
const { registrationResponse } = opaque.server.createRegistrationResponse({ serverSetup, userIdentifier: cred, registrationRequest });
const reg = opaque.client.finishRegistration({ password, registrationResponse, clientRegistrationState, identifiers: { server }, keyStretching: ks });
// a whole login by the browser's implementation
const { clientLoginState, startLoginRequest } = opaque.client.startLogin({ password });
const { serverLoginState, loginResponse } = opaque.server.startLogin({ serverSetup, registrationRecord: reg.registrationRecord, startLoginRequest, userIdentifier: cred, identifiers: { server } });
const fin = opaque.client.finishLogin({ clientLoginState, loginResponse, password, identifiers: { server }, keyStretching: ks });
const hex = (b64) => Buffer.from(b64, 'base64url').toString('hex');
const out = { made_by: '@serenity-kit/opaque 1.1.0', identity, password, credential: cred, server_setup: hex(serverSetup), record: hex(reg.registrationRecord), export_key: hex(reg.exportKey), login_state: hex(serverLoginState), login_finalization: hex(fin.finishLoginRequest), session_key: hex(fin.sessionKey) };
if (fin.exportKey !== reg.exportKey) throw new Error('export keys differ');
console.log(JSON.stringify(out, null, 2));
