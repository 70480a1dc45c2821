// Run by Rhino in veraPDF's own process: validates the files, and prints what fails of PDF/UA-1 and PDF/A-2a as JSON.
// The profiles are read here, because the jar lacks the part of JAXB that veraPDF would read them with.
importPackage(Packages.org.verapdf.pdfa.validation.profiles);
var Flavour = Packages.org.verapdf.pdfa.flavours.PDFAFlavour;
var Builders = Packages.javax.xml.parsers.DocumentBuilderFactory;

function childrenOf(node, name) {
  var found = [];
  for (var child = node.getFirstChild(); child !== null; child = child.getNextSibling()) {
    if (child.getNodeType() === 1 && (!name || String(child.getNodeName()) === name)) found.push(child);
  }
  return found;
}
function text(node, name) { return String(childrenOf(node, name)[0].getTextContent()); }

function profile(name, flavour) {
  var loader = java.lang.ClassLoader.getSystemClassLoader();
  var stream = loader.getResourceAsStream("org/verapdf/pdfa/validation/" + name + ".xml");
  var root = Builders.newInstance().newDocumentBuilder().parse(stream).getDocumentElement();
  var rules = new java.util.HashSet(), variables = new java.util.HashSet();
  childrenOf(childrenOf(root, "rules")[0], "rule").forEach(function (rule) {
    var id = childrenOf(rule, "id")[0];
    rules.add(Profiles.ruleFromValues(
      Profiles.ruleIdFromValues(flavour.getPart(), String(id.getAttribute("clause")), Number(id.getAttribute("testNumber"))),
      String(rule.getAttribute("object")),
      rule.hasAttribute("deferred") ? java.lang.Boolean.valueOf(rule.getAttribute("deferred")) : null,
      String(rule.getAttribute("tags")), text(rule, "description"), text(rule, "test"),
      Profiles.errorFromValues(text(rule, "description"), new java.util.ArrayList()), new java.util.ArrayList()));
  });
  childrenOf(childrenOf(root, "variables")[0], "variable").forEach(function (one) {
    variables.add(Profiles.variableFromValues(
      String(one.getAttribute("name")), String(one.getAttribute("object")), text(one, "defaultValue"), text(one, "value")));
  });
  var details = Profiles.profileDetailsFromValues(name, name, "veraPDF", new java.util.Date(0));
  return Profiles.profileFromValues(flavour, details, "", rules, variables);
}

Packages.org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider.initialise();
var foundry = Packages.org.verapdf.pdfa.Foundries.defaultInstance();
var wanted = [["ua1", "PDFUA-1"], ["2a", "PDFA-2A"]].map(function (one) {
  var flavour = Flavour.byFlavourId(one[0]);
  return {name: one[0], flavour: flavour, profile: profile(one[1], flavour)};
});
var answers = [], files = Array.prototype.slice.call(arguments);
files.forEach(function (file) {
  wanted.forEach(function (one) {
    var parser = foundry.createParser(new java.io.File(file), one.flavour);
    var result = foundry.createValidator(one.profile, false).validate(parser);
    var failed = [];
    for (var rules = result.getFailedChecks().entrySet().iterator(); rules.hasNext();) {
      var entry = rules.next(), id = entry.getKey();
      failed.push(id.getClause() + "-" + id.getTestNumber() + ": " + entry.getValue());
    }
    parser.close();
    answers.push({file: String(file), profile: one.name, checks: Number(result.getTotalAssertions()), failed: failed});
  });
});
print(JSON.stringify(answers));
