// The page to which the tenant leads a frame of MSAL back. It hands the answer to the page that has opened the frame.
window.msalRedirectBridge.broadcastResponseToMainFrame();
