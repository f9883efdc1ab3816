/* Administration: what an act came to takes the focus, since the button that was pressed is gone. */
(function () {
  "use strict";

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    admin: {
      tell: function () {
        window.setTimeout(function () {
          const said = document.getElementById("admin-said");
          if (said) said.focus();
        }, 50);
      },
    },
  });
})();
