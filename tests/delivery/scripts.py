"""Names in the scripts of the world, for the PDF. No code of the site is needed to read them."""

# These are read back exactly.
LEFT_TO_RIGHT = [
    "김철수", "남궁민수", "이 준", "Kim Chul-soo (김철수)", "李娜", "王小明", "欧阳修", "迪丽·热巴", "陳大文",
    "李明 Li Ming", "田中 太郎", "たなか", "Björk Guðmundsdóttir", "Łukasz Żółć", "O’Brien",
    "O'Brien", "Jean-Luc d’Arc", "José María Aznar-López", "Sukarno", "Wu", "O", "X Æ A-12",
    "Martin Luther King, Jr.", "Dr. Ana B. Souza, MD", "Юлия Иванова", "Δημήτρης Παπαδόπουλος",
    "Անի Հարությունյան", "გიორგი", "አበበ ቢቂላ", "Nuʻu Kāneʻohe", "Þórður", "İbrahim Işık", "Ștefan Țîrlea",
    "Mary-Kate O’Connor-Smith the 3rd", "𠮷野家", "Ngũgĩ wa Thiong’o", "Māori Iwi", "나라 Nara",
    "St. John-Smythe",
]  # fmt: skip
# pypdf extracts these in visual order, or cluster by cluster.
OTHERWISE_ORDERED = [
    "محمد بن سلمان", "محمد", "سارة القحطاني", "שרה כהן", "נָתָן", "नरेन्द्र", "สมชาย ใจดี", "ထက်ထက်", "Nguyễn Thị Ánh",
    "Ḥasan al-Baṣrī",
]  # fmt: skip
WRAPPED = "María de los Ángeles Fernández de la Vega Sanz y Gómez de Salazar"
# No font of Debian can draw these: Toto, Nag Mundari.
BOXED = ["𞊐𞊒𞊓", "𞓐𞓑𞓒"]
