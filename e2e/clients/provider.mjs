// A certified OpenID provider (oidc-provider), with people who sign in by forms, a device flow, and clients of their own.
// It prints `ready` once it listens. PORT, ISSUER: where.

import { Provider } from "oidc-provider";

const { PORT, ISSUER } = process.env;

const provider = new Provider(ISSUER, {
  clients: [
    {
      client_id: "panguard-cli",
      token_endpoint_auth_method: "none",
      application_type: "native",
      grant_types: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
      response_types: [],
      redirect_uris: [],
    },
    {
      client_id: "ci-bot",
      client_secret: "a secret: of +100% /its own",
      grant_types: ["client_credentials"],
      response_types: [],
      redirect_uris: [],
    },
  ],
  clientDefaults: { id_token_signed_response_alg: "ES256" },
  features: {
    deviceFlow: { enabled: true },
    clientCredentials: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({
        audience: "panguard",
        scope: "panguard",
        accessTokenTTL: 45,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: "ES256" } },
      }),
      useGrantedResource: () => true,
    },
  },
  scopes: ["openid", "offline_access", "panguard"],
  jwks: JSON.parse(process.env.JWKS),
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  extraTokenClaims: (_, token) =>
    token.kind === "ClientCredentials" ? { agent_id: token.clientId, groups: ["agents"] } : { groups: ["owners"] },
  issueRefreshToken: () => true,
  rotateRefreshToken: true,
  pkce: { required: () => false },
});

provider.listen(Number(PORT), "127.0.0.1", () => console.log("ready"));
