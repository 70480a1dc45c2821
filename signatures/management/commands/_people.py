"""Made-up people for `make_signatures`: names in many scripts, each at most once in a run."""

import random
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    name: str
    tongue: "Tongue"


@dataclass(frozen=True, eq=False)  # hashed by identity, which is quick
class Tongue:
    """Names of one language. A list has words with spaces between, or characters without any.

    No two languages share both a family name and a given name, so that no two make the same full name.
    """

    weight: int
    countries: str
    given: str
    family: str
    middle: str = ""  # given names again, when empty
    pattern: str = "{given} {middle} {family}"
    joint: str = "-"  # between two family names; "" where people carry one
    language: str = "en"
    roles: str = ""
    organizations: str = ""
    foundation: str = "{} Foundation"

    def names(self, chance: random.Random) -> Iterator[str]:
        """Yields every full name, short ones first: with two given names after that, then with two family names, too."""
        given, family = words(self.given), words(self.family)
        middle = words(self.middle) or given
        pairs = [(one, other) for one in range(len(given)) for other in range(len(family))]
        chance.shuffle(pairs)
        for other_family in range(len(family) if self.joint else 1):
            for other_given in range(len(middle) + 1):
                for first, last in pairs:
                    second = middle[(first + other_given) % len(middle)] if other_given else ""
                    if second == given[first]:
                        continue
                    whole = family[last]
                    if other_family:
                        whole += self.joint + family[(last + other_family) % len(family)]
                    yield " ".join(self.pattern.format(given=given[first], middle=second, family=whole).split())


def words(text: str) -> list[str]:
    """Returns the words of a list, or the characters of a list without spaces."""
    return text.split() if " " in text else list(text)


def lines(text: str) -> list[str]:
    return text.split("; ") if text else []


def people(seed: int) -> Iterator[Person]:
    """Yields all people, mixed as in a worldwide letter. The same seed gives the same people."""
    chance = random.Random(f"people {seed}")
    left = {tongue: tongue.names(random.Random(f"{seed} {tongue.family}")) for tongue in TONGUES}
    while left:
        for tongue in chance.choices(list(left), [tongue.weight for tongue in left], k=1000):
            name = next(left[tongue], None) if tongue in left else None
            if name is None:
                left.pop(tongue, None)
            else:
                yield Person(name, tongue)


RUSSIAN = "Иванов Смирнов Кузнецов Попов Васильев Петров Соколов Михайлов Новиков Фёдоров Морозов Волков Алексеев Лебедев Семёнов Егоров Павлов Козлов Степанов Николаев Орлов Андреев Макаров Никитин Захаров"

TONGUES = [
    Tongue(
        12, "US GB CA AU NZ IE",
        "Olivia Amelia Grace Harriet Joan Karen Lucy Margaret Nora Paula Ruth Susan Alice Brian Carl Dennis Edward Frank George Henry Jack Kevin Liam Martin Noah Oscar Patrick Simon Thomas William",
        "Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White Roberts Green Hall Wood Jackson Clarke O’Brien McCarthy Whitfield Ashworth Turner Hughes Foster Bennett Fletcher Osborne",
        roles="Teacher; Nurse; Professor of Law; Retired; Journalist; Member of Parliament; Student; Attorney-at-law",
        organizations="Amnesty International; University of Oxford; Human Rights Watch; St Mary’s Church; Freedom House",
    ),
    Tongue(
        6, "ES MX AR CO CL PE",
        "María Carmen Lucía Pilar Dolores Inés Rocío Ángeles Noelia Begoña José Javier Ignacio Álvaro Andrés Íñigo Joaquín Sergio Rubén Óscar Raúl Iván Adrián Hugo Mateo",
        "García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Muñoz Jiménez Ruiz Hernández Díaz Moreno Álvarez Romero Navarro Domínguez Vázquez Ibáñez Núñez Ortiz Castro Peña",
        joint=" ", roles="Abogada; Profesor; Médico; Periodista; Jubilada", organizations="Universidad de Salamanca; Cáritas; Fundación por la Libertad", foundation="Fundación {}",
    ),
    Tongue(
        5, "FR BE CH CA SN",
        "Élise Chloé Zoé Aurélie Hélène Noémie Françoise Thérèse Anaïs Solène Benoît François Jérôme Loïc René Sébastien Étienne Gaël Grégoire Théo Yves Hervé Mathéo Cédric Honoré",
        "Dupont Durand Lefèvre Moreau Laurent Michel Bertrand Roux Fournier Girard Bonnet Lambert Fontaine Chevalier Gauthier Perrin Clément Dumont L’Hôpital D’Arcy Béranger Lemaître Prévost Boyer Renaud",
        roles="Avocate; Professeur; Infirmière; Retraité; Maire", organizations="Université de Genève; Ligue des droits de l’homme", foundation="Fondation {}",
    ),
    Tongue(
        5, "DE AT CH",
        "Jürgen Jörg Günther Götz Klaus Uwe Björn Lukas Felix Matthias Käthe Jördis Anke Heike Ute Sabine Renate Birgit Greta Liesel Frieda Änne Wiebke Silke Ulrike",
        "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Krüger Groß Weiß Jäger Vogel",
        roles="Ärztin; Lehrer; Rechtsanwältin; Pfarrer; Rentner", organizations="Universität Wien; Internationale Gesellschaft für Menschenrechte", foundation="{}-Stiftung",
    ),
    Tongue(
        4, "PL",
        "Agnieszka Małgorzata Zofia Łucja Bożena Grażyna Żaneta Świętosława Elżbieta Jadwiga Łukasz Paweł Stanisław Michał Tomasz Bartłomiej Grzegorz Krzysztof Wojciech Mieczysław",
        "Nowak Wójcik Kowalczyk Woźniak Mazur Kaczmarek Krawczyk Stępień Dudek Pawlak Łuczak Sikora Walczak Baran Szewczyk Pietrzak Wróbel Żak Błaszczyk Śliwa",
        roles="Nauczyciel; Lekarka; Adwokat; Emeryt", organizations="Uniwersytet Jagielloński; Helsińska Fundacja Praw Człowieka", foundation="Fundacja {}",
    ),
    Tongue(
        4, "BR PT AO MZ",
        "João Antônio Gonçalo Tomé Vítor César Estêvão Thiago Caio Fábio Conceição Inês Mônica Patrícia Beatriz Cecília Luísa Júlia Letícia Sônia",
        "Silva Santos Oliveira Souza Lima Pereira Ferreira Costa Rodrigues Almeida Nascimento Araújo Ribeiro Carvalho Gonçalves Magalhães Assunção Guimarães Brandão Simões",
        joint=" ", roles="Professora; Advogado; Enfermeira", organizations="Universidade de Coimbra; Conectas", foundation="Fundação {}",
    ),
    Tongue(
        3, "CZ SK",
        "Božena Květa Ludmila Zdeňka Věra Růžena Šárka Žofie Kateřina Jiřina Ľubica Soňa Anežka Eliška Vlasta Hedvika Miloslava Jitka Blanka Štěpánka",
        "Nováková Svobodová Novotná Dvořáková Černá Procházková Kučerová Veselá Horáková Němcová Pokorná Pospíšilová Hájková Králová Jelínková Růžičková Benešová Fialová Sedláčková Doležalová",
        roles="Učitelka; Lékařka", organizations="Univerzita Karlova; Člověk v tísni", foundation="Nadace {}",
    ),
    Tongue(
        3, "TR DE",
        "Ayşe Fatma Emine Hatice Zeynep Elif Şule Gülşen Çiğdem Özlem Mehmet Mustafa Ali İbrahim Hüseyin Çağrı Ömer Işık Yiğit Oğuz",
        "Yılmaz Kaya Demir Şahin Çelik Yıldız Yıldırım Öztürk Aydın Özdemir Arslan Doğan Kılıç Aslan Çetin Kara Koç Kurt Özkan Şimşek",
        roles="Öğretmen; Avukat; Doktor", organizations="Boğaziçi Üniversitesi", foundation="{} Vakfı",
    ),
    Tongue(
        5, "VN US FR AU",
        "Anh Bình Châu Dũng Đức Giang Hà Hạnh Hiếu Hoa Hùng Hương Khánh Lan Linh Long Mai Minh Nam Ngọc Nhung Phúc Phương Quân Quỳnh Sơn Thảo Thủy Trang Tuấn Tùng Vy Yến Đạt Ánh",
        "Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đinh Trương Lương Mạc",
        middle="Thị Văn Hữu Đức Công Quang Thanh Xuân Bích Kim Như Diệu Gia Bảo Hoài Tường Khắc Duy Việt Trọng",
        pattern="{family} {middle} {given}", joint=" ", roles="Giáo viên; Luật sư; Bác sĩ", organizations="Đại học Quốc gia Hà Nội", foundation="Quỹ {}",
    ),
    Tongue(
        2, "HU SE FI NO DK IS LV LT RO",
        "Åse Øyvind Bjørn Þóra Sigurður Aino Väinö Jānis Žygimantas Ștefan Țuțu Zsófia Árpád Győző Ödön Ilmārs Ingeborg Søren Astrid Eydís",
        "Åkesson Ødegård Sørensen Jónsdóttir Mäkelä Hämäläinen Bērziņš Kazlauskienė Ionescu Popescu Nagy Szabó Kovács Tóth Őry Lindqvist Ångström Sjöberg Rødgrød Ægirsson",
        roles="Läkare; Tanár; Opettaja", organizations="Helsingin yliopisto; Københavns Universitet",
    ),
    Tongue(
        13, "KR KR KR US JP",
        "가강건경고규근기나남다도동래리라마만명모무문미민바범병보복봉빈사상서석선성세소솔수숙순슬승시신아안애양여연영예오옥온요용우원유윤은의이인",
        "김이박최정강조윤장임한오서신권황안송류전홍고문양손배백허남심노하곽성차주우구민나",
        middle="자재정제종주준중지진찬창채철초춘충태택평필하학한해향혁현형혜호홍화환효후훈휘희흠란경민서연우은수빈",
        pattern="{family}{given}{middle}", joint="", language="ko",
        roles="교사; 변호사; 간호사; 교수; 대학생; 목사", organizations="서울대학교; 북한인권시민연합; 국경없는인권", foundation="{}재단",
    ),
    Tongue(
        8, "CN CN SG US MY",
        "伟芳娜秀敏静丽强磊军洋勇艳杰娟涛超霞刚飞鹏晓红梅玲桂兰云凤洁波斌宇浩凯健俊帆雪颖欣佳怡悦梓涵轩睿铭泽晨阳岚峰",
        "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕",
        pattern="{family}{given}{middle}", joint="", language="zh-hans",
        roles="教师; 律师; 记者; 退休工人; 大学生", organizations="北京大学; 新加坡国立大学", foundation="{}基金会",
    ),
    Tongue(
        6, "TW TW HK MO",
        "偉靜麗強軍豔傑濤剛飛鵬曉紅鳳潔賓凱風雲穎悅銘澤陽嵐峯志明淑惠雅婷家豪宗翰怡君詩庭承恩冠宏彥廷嘉玉珍珠寶華慧貞",
        "陳張劉楊趙黃吳孫許鄭謝韓馮蕭葉蘇盧蔣鍾譚陸鄧呂羅賴簡莊邱詹游洪江方石顏魏薛龔藍連",
        pattern="{family}{given}{middle}", joint="", language="zh-hant",
        roles="教師; 律師; 記者; 醫師", organizations="國立臺灣大學; 香港中文大學", foundation="{}基金會",
    ),
    Tongue(
        6, "JP",
        "愛彩沙真美由香千優結理恵奈麻菜健翔拓大直和陽隼悠蓮海光誠弘達裕勇哲",
        "佐藤 鈴木 高橋 田中 伊藤 渡辺 山本 中村 小林 加藤 吉田 山田 佐々木 山口 松本 井上 木村 斎藤 清水 山崎 池田 橋本 阿部 石川 小川 前田 岡田 長谷川 藤田 後藤 近藤 村上 遠藤 青木 坂本 福田 太田 西村 藤井 岡本",
        middle="子美代香里乃花音月咲緒帆也太郎一介斗輝人樹真彦之助平次馬吾希",
        pattern="{family} {given}{middle}", joint="", roles="教員; 弁護士; 医師; 会社員; 主婦", organizations="東京大学; 北朝鮮難民救援基金", foundation="{}財団",
    ),
    Tongue(
        1, "JP",
        "アヤ ケン ユリ ナオ サチ ミキ リョウ ジュン カオル エミ マリ レイ ショウ ヒロ トモ ノリ タエ シン ルミ コウ",
        "さとう たなか やまもと いとう なかむら こばやし よしだ まつもと いのうえ きむら はやし しみず もり いけだ あべ おがわ ごとう むらかみ おかだ ふじい",
        middle="コ ミ カ タ ヤ スケ エ ノ ホ ト", pattern="{family} {given}{middle}", joint="", roles="きょういん",
    ),
    Tongue(
        3, "RU BY KZ DE IL",
        "Александр Сергей Дмитрий Алексей Андрей Михаил Иван Максим Артём Николай Владимир Юрий Олег Игорь Фёдор Григорий Борис Лев Пётр Семён", RUSSIAN,
        middle="Иванович Петрович Сергеевич Алексеевич Николаевич Михайлович Андреевич Дмитриевич Борисович Львович Юрьевич Олегович Фёдорович Григорьевич Ильич",
        roles="Учитель; Врач; Юрист; Пенсионер", organizations="Мемориал; МГУ", foundation="Фонд «{}»",
    ),
    Tongue(
        3, "RU BY KZ DE IL",
        "Анна Елена Ольга Наталья Татьяна Ирина Светлана Екатерина Мария Юлия Людмила Галина Надежда Вера Любовь Зоя Лидия Софья Алёна Ксения", RUSSIAN.replace("в ", "ва ").replace("н ", "на ") + "а",
        middle="Ивановна Петровна Сергеевна Алексеевна Николаевна Михайловна Андреевна Дмитриевна Борисовна Львовна Юрьевна Олеговна Фёдоровна Григорьевна Ильинична",
        roles="Учительница; Врач; Журналистка", organizations="Мемориал; СПбГУ", foundation="Фонд «{}»",
    ),
    Tongue(
        3, "UA PL CA",
        "Тарас Богдан Євген Ігор Ярослав Мирослав Остап Їлія Олексій Святослав Оксана Соломія Ївга Ганна Лариса Леся Марійка Олена Зоряна Юлія",
        "Шевченко Коваленко Бондаренко Ткаченко Кравченко Олійник Шевчук Поліщук Ткачук Мельник Савченко Руденко Марченко Гончаренко Лисенко Кличко Тимошенко Ґалаґан Заєць Їжак",
        roles="Учителька; Лікар; Адвокат", organizations="Києво-Могилянська академія", foundation="Фонд «{}»",
    ),
    Tongue(
        2, "GR CY",
        "Μαρία Ελένη Αικατερίνη Βασιλική Σοφία Αγγελική Γεωργία Δήμητρα Ιωάννα Ευαγγελία Χρυσούλα Φωτεινή Ζωή Θεοδώρα Ξανθή Ράνια Όλγα Άννα Ύβη Νίκη",
        "Παπαδοπούλου Οικονόμου Γεωργίου Ιωάννου Νικολάου Αθανασίου Παππά Καραγιάννη Βασιλείου Αντωνίου Μακρή Κωνσταντίνου Δημητρίου Χριστοδούλου Αναγνώστου Σταύρου Ζέρβα Ξυλούρη Ψαρρά Φωτίου",
        roles="Δασκάλα; Δικηγόρος", organizations="Πανεπιστήμιο Αθηνών", foundation="Ίδρυμα {}",
    ),
    Tongue(
        4, "EG LB JO MA SY IQ",
        "محمد أحمد علي حسن يوسف إبراهيم خالد عمر سامي طارق فاطمة مريم عائشة ليلى هدى نور زينب سلمى رنا ياسمين",
        "الخطيب المصري الحداد النجار الشامي العلي الحسن القاسم الزهراوي البغدادي منصور سليمان داود عيسى درويش حمدان شاهين بركات قباني جبران",
        roles="معلّمة; محامٍ; طبيب; صحفية", organizations="جامعة القاهرة; مركز حقوق الإنسان", foundation="مؤسسة {}",
    ),
    Tongue(
        1, "IR AF",
        "پریسا گلناز ژاله چنگیز کیوان پژمان شیرین مهرداد آرش نیلوفر بهرام فرهاد سیمین نازنین کوروش داریوش",
        "حسینی رضایی کریمی موسوی جعفری صادقی رحیمی پناهی گلستانی چراغی ژیان کیانی فرهادی یزدانی شیرازی تهرانی",
        roles="پزشک; معلم", organizations="دانشگاه تهران", foundation="بنیاد {}",
    ),
    Tongue(
        2, "IL US",
        "נועה תמר שירה יעל מיכל רחל אסתר דנה הילה ענת דוד משה יוסף אברהם איתן עומר אורי גיל נועם צבי",
        "כהן לוי מזרחי פרץ ביטון דהן אברהמי פרידמן אזולאי שפירא רוזנברג גולדשטיין בן־דוד חדד יוספי קליין שלום עמר שטרן ברק",
        joint="־", roles="מורה; עורכת דין; רופא", organizations="האוניברסיטה העברית; יד ושם", foundation="קרן {}",
    ),
    Tongue(
        3, "IN NP",
        "अनिल सुनील राजेश विजय संजय अमित राहुल प्रकाश गणेश कृष्ण सीता गीता अनीता सुनीता प्रिया पूजा कविता रेखा लक्ष्मी श्रुति",
        "शर्मा वर्मा गुप्ता सिंह कुमार यादव पटेल मिश्रा पाण्डेय चौधरी त्रिपाठी जोशी अग्रवाल सक्सेना भट्ट देसाई कुलकर्णी नायक ठाकुर श्रेष्ठ",
        roles="अध्यापक; वकील; चिकित्सक", organizations="दिल्ली विश्वविद्यालय", foundation="{} न्यास",
    ),
    Tongue(
        3, "TH",
        "สมชาย สมศักดิ์ ประเสริฐ วิชัย สุรชัย อนุชา ธนากร ณัฐพล กิตติ ปรีชา สมหญิง มาลี สุดา วันเพ็ญ อรุณี ปราณี จิราพร กนกวรรณ พิมพ์ใจ ศิริพร",
        "ใจดี สุขสวัสดิ์ ศรีสุข ทองดี แสงจันทร์ บุญมี วงศ์สวัสดิ์ รัตนพงษ์ พงษ์พานิช ชัยวัฒน์ เจริญสุข มณีรัตน์ สายทอง คำแก้ว พิทักษ์ธรรม อินทรสูต ณรงค์ฤทธิ์ สุวรรณภูมิ ตั้งมั่น ปัญญาดี",
        roles="ครู; ทนายความ; แพทย์", organizations="จุฬาลงกรณ์มหาวิทยาลัย", foundation="มูลนิธิ {}",
    ),
    Tongue(
        1, "GE",
        "გიორგი დავით ლევან ნიკა ვახტანგ ირაკლი ნინო თამარ მარიამ ანა ქეთევან ეკა მანანა ლელა ზურაბ",
        "ბერიძე კაპანაძე გელაშვილი მაისურაძე გიორგაძე ლომიძე წიკლაური ხუციშვილი ბოლქვაძე ჯაფარიძე შენგელია კობახიძე ღვინაძე ჭავჭავაძე ყიფიანი",
        roles="მასწავლებელი; ექიმი", organizations="თბილისის უნივერსიტეტი", foundation="{}ს ფონდი",
    ),
    Tongue(
        1, "AM FR US",
        "Արամ Տիգրան Հայկ Գևորգ Վահան Սուրեն Նարեկ Աննա Մարիամ Լուսինե Անահիտ Արփինե Շուշան Գայանե Նվարդ",
        "Պետրոսյան Հակոբյան Սարգսյան Գրիգորյան Հարությունյան Խաչատրյան Մկրտչյան Կարապետյան Ղազարյան Ստեփանյան Ավագյան Բաղդասարյան Չարենց Թումանյան Ջուղաշյան",
        roles="Ուսուցիչ; Բժիշկ", organizations="Երևանի պետական համալսարան", foundation="{} հիմնադրամ",
    ),
    Tongue(
        1, "ET",
        "አበበ ከበደ ተስፋዬ ዳዊት ሰለሞን ኃይሌ መኮንን አልማዝ ሂሩት ማርያም ትዕግስት ሰላም በቀለ ገብሬ ፀሐይ",
        "ወልደማርያም ገብረእግዚአብሔር ተክለሃይማኖት ደስታ አለሙ ታደሰ ግርማ መንግስቱ ሀብቴ ዘውዴ ብርሃኑ ፍቅሬ ጌታቸው ነጋሽ ወርቁ",
        joint="", roles="መምህር; ሐኪም", organizations="አዲስ አበባ ዩኒቨርሲቲ",
    ),
    Tongue(
        1, "IN LK SG MY",
        "முருகன் குமார் செல்வம் ராஜா கார்த்திக் அருண் பாலா லட்சுமி மீனா கவிதா தேவி பிரியா சரஸ்வதி வள்ளி தமிழ்ச்செல்வி",
        "சுப்பிரமணியன் கிருஷ்ணன் நடராஜன் சுந்தரம் பழனிசாமி வேலுச்சாமி இராமச்சந்திரன் ஆறுமுகம் சிவலிங்கம் பாண்டியன் சங்கரன் ஞானசேகரன் கணேசன் தங்கவேல் மாணிக்கம்",
        joint="", roles="ஆசிரியர்; மருத்துவர்", organizations="சென்னைப் பல்கலைக்கழகம்",
    ),
]  # fmt: skip
