"use strict";
SwaggerUIBundle({ url: "openapi.json", dom_id: "#addresses", deepLinking: true, validatorUrl: null, tryItOutEnabled: true });
